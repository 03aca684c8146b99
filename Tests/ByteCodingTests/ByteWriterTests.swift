import ByteCoding
import StreamCore
import Testing

struct ByteWriterTests {
    @Test func `what is appended stands in order across growth`() {
        var writer = ByteWriter(capacity: 1)
        var expected: [UInt8] = []

        for index in 0..<1_000 {
            writer.append(UInt8(truncatingIfNeeded: index))
            writer.append("literal")
            writer.append(decimal: index)
            expected += [UInt8(truncatingIfNeeded: index)] + "literal".utf8 + String(index).utf8
        }

        #expect(writer.bytes == expected)
    }

    @Test(arguments: [
        ("plain", #""plain""#), ("", #""""#), ("a\"b\\c", #""a\"b\\c""#),
        ("\n\r\t\u{0}\u{1f}", #""\n\r\t\u0000\u001f""#),
        ("größe 🛩", #""größe 🛩""#), ("/", #""/""#),
    ])
    func `text becomes a JSON string`(text: String, json: String) {
        var writer = ByteWriter()

        writer.append(jsonString: text)

        #expect(String(decoding: writer.bytes, as: UTF8.self) == json)
    }

    @Test func `base64 and sequence numbers are written in place`() {
        var writer = ByteWriter()
        var digits = SequenceDigits()

        [UInt8]("foobar".utf8).withUnsafeBytes { writer.append(base64: $0) }
        writer.append(" ")
        writer.append(SequenceNumber(UInt128.max), with: &digits)

        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "Zm9vYmFy 340282366920938463463374607431768211455"
        )
    }

    @Test func `truncating forgets the end and keeps the beginning`() {
        var writer = ByteWriter()
        writer.append("0123456789")

        writer.truncate(to: 4)
        writer.append("x")

        #expect(writer.bytes == Array("0123x".utf8))
    }
}
