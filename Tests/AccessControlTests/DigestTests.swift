import Testing

@testable import AccessControl

/// The examples of FIPS 180-4 and RFC 4231.
struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func `SHA-256 is as published`(text: String, digest: String) {
        #expect(Digest.hexadecimal(Digest.sha256(text)) == digest)
    }

    @Test(arguments: [
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `HMAC is as published`(key: [UInt8], text: String, digest: String) {
        #expect(Digest.hexadecimal(Digest.hmac(text, key: key)) == digest)
    }

    @Test func `texts are equal or not`() {
        #expect(Digest.isEqual("abc", "abc"))
        #expect(!Digest.isEqual("abc", "abd"))
        #expect(!Digest.isEqual("abc", "ab"))
    }
}
