import KinesisWire
import Testing

struct HashKeyTests {
    /// RFC 1321, section A.5.
    static let vectors: [(String, UInt128)] = [
        ("", 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e),
        ("a", 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661),
        ("abc", 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72),
        ("message digest", 0xf96b_697d_7cb7_938d_525a_2f31_aaf1_61d0),
        ("abcdefghijklmnopqrstuvwxyz", 0xc3fc_d3d7_6192_e400_7dfb_496c_ca67_e13b),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            0xd174_ab98_d277_d9f5_a561_1c2c_9f41_9d9f
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            0x57ed_f4a2_2be3_c955_ac49_da2e_2107_b67a
        ),
        (String(repeating: "x", count: 55), 0x0436_4420_e25c_512f_d958_a707_38aa_8f72),
        (String(repeating: "x", count: 56), 0x668a_72d5_ba17_f08e_62da_bcaf_ad6d_b14b),
        (String(repeating: "x", count: 64), 0xc1bb_4f81_d892_b2d5_7947_682a_eb25_2456),
        (String(repeating: "x", count: 1_024), 0x7265_f4d2_11b5_6873_a381_d321_f586_e4a9),
    ]

    @Test(arguments: vectors)
    func `a partition key hashes to its MD5`(key: String, hash: UInt128) {
        #expect(HashKey.of(key) == hash)
    }
}
