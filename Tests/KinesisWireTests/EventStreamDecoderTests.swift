import CZlib
import KinesisWire
import Testing

struct EventStreamDecoderTests {
    /// A message as the service frames it.
    private func frame(_ headers: [(String, String)], _ payload: String) -> [UInt8] {
        var headerBytes: [UInt8] = []
        for (name, value) in headers {
            headerBytes += [UInt8(name.utf8.count)] + Array(name.utf8) + [7, 0, UInt8(value.utf8.count)]
            headerBytes += Array(value.utf8)
        }
        // A number, which nobody asks for.
        headerBytes += [1, UInt8(ascii: "n"), 4, 0, 0, 0, 9]
        var message = word(16 + headerBytes.count + payload.utf8.count) + word(headerBytes.count)
        message += word(Int(crc32(0, message, UInt32(message.count))))
        message += headerBytes + Array(payload.utf8)
        return message + word(Int(crc32(0, message, UInt32(message.count))))
    }

    private func word(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private var messages: [[UInt8]] {
        [
            frame([(":message-type", "event"), (":event-type", "initial-response")], "{}"),
            frame(
                [(":message-type", "exception"), (":exception-type", "InternalFailureException")],
                "{\"message\":1}"
            ),
            frame([], ""),
        ]
    }

    @Test(arguments: [1, 7, 1_000]) func `messages come out however they are cut`(size: Int) throws {
        var decoder = EventStreamDecoder()
        var decoded: [EventStreamMessage] = []

        let bytes = messages.flatMap(\.self)
        for start in stride(from: 0, to: bytes.count, by: size) {
            decoder.append(Array(bytes[start..<min(start + size, bytes.count)]))
            while let message = try decoder.next() { decoded.append(message) }
        }

        try decoder.finish()
        #expect(decoded.map(\.event) == ["initial-response", nil, nil])
        #expect(decoded.map(\.exception) == [nil, "InternalFailureException", nil])
        #expect(decoded.map { String(decoding: $0.payload, as: UTF8.self) } == ["{}", "{\"message\":1}", ""])
    }

    @Test func `every changed bit is noticed`() throws {
        let intact = messages[0]
        for bit in 0..<intact.count * 8 {
            var bytes = intact
            bytes[bit / 8] ^= 1 << (bit % 8)
            var decoder = EventStreamDecoder()
            decoder.append(bytes)

            #expect(throws: EventStreamDamage.self) {
                _ = try decoder.next()
                try decoder.finish()
            }
        }
    }

    @Test func `an end inside a message is noticed`() throws {
        var decoder = EventStreamDecoder()
        decoder.append(Array(messages[0].dropLast()))

        #expect(try decoder.next() == nil)
        #expect(throws: EventStreamDamage.self) { try decoder.finish() }
    }
}
