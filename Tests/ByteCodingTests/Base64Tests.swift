import ByteCoding
import TestSupport
import Testing

struct Base64Tests {
    /// RFC 4648, section 10.
    static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors)
    func `the vectors of the RFC hold both ways`(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test func `every length up to 300 comes back as it was`() {
        var random = SeededRandom()
        print("seed \(random.seed)")
        for length in 0...300 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }

            let text = Base64.encode(bytes)

            #expect(text.utf8.count == Base64.encodedBytes(of: length))
            #expect(text == reference(bytes), "\(length) bytes")
            #expect(Base64.decode(text) == bytes, "\(length) bytes")
        }
    }

    @Test func `large random buffers come back as they were`() {
        var random = SeededRandom()
        print("seed \(random.seed)")
        for _ in 0..<20 {
            let length = Int.random(in: 1_000...100_000, using: &random)
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }

            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test func `each byte outside the alphabet is refused at each place`() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let text = Array(Base64.encode((0..<99).map { UInt8($0) }).utf8)
        for place in text.indices {
            for byte in UInt8.min...UInt8.max where !alphabet.contains(byte) {
                // Padding is a matter of its own at the end.
                if byte == UInt8(ascii: "="), place >= text.count - 2 { continue }
                var broken = text
                broken[place] = byte

                #expect(!decodes(broken), "byte \(byte) at \(place)")
            }
        }
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Z===", "====", "=g==", "Zg==Zg==", "Zm9vYg=a", "Zm9v YmFy", "Zm9vYmFy\n",
    ])
    func `text that is cut, padded in the middle or broken into lines is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    private func decodes(_ text: [UInt8]) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: text.count, alignment: 1) { target in
            target.baseAddress.map { base in text.withUnsafeBytes { Base64.decode($0, to: base) != nil } }
                ?? false
        }
    }

    /// Bit by bit, with nothing in common with what is tested.
    private func reference(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        while bits.count % 6 != 0 { bits.append(0) }
        var text = ""
        for start in stride(from: 0, to: bits.count, by: 6) {
            text.append(alphabet[bits[start..<start + 6].reduce(0) { $0 * 2 + Int($1) }])
        }
        while text.count % 4 != 0 { text.append("=") }
        return text
    }
}
