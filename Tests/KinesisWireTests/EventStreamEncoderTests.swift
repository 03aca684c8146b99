import KinesisWire
import Testing

struct EventStreamEncoderTests {
    private func bytes(_ encoder: EventStreamEncoder, payload: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: encoder.frameBytes + payload.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = encoder.write(to: UnsafeMutableRawPointer(base)) { target in
                payload.withUnsafeBytes {
                    if let base = $0.baseAddress { target.copyMemory(from: base, byteCount: $0.count) }
                }
                return payload.count
            }
        }
    }

    @Test func `an event is framed byte for byte`() {
        let message = bytes(EventStreamEncoder(.event("e"), contentType: "t"), payload: Array("{}".utf8))

        let headers: [UInt8] =
            [13] + Array(":message-type".utf8) + [7, 0, 5] + Array("event".utf8)
            + [11] + Array(":event-type".utf8) + [7, 0, 1] + Array("e".utf8)
            + [13] + Array(":content-type".utf8) + [7, 0, 1] + Array("t".utf8)
        #expect(message.count == 12 + headers.count + 2 + 4)
        #expect(Array(message[0..<8]) == [0, 0, 0, UInt8(message.count), 0, 0, 0, UInt8(headers.count)])
        #expect(Array(message[12..<12 + headers.count]) == headers)
        #expect(Array(message[12 + headers.count..<14 + headers.count]) == Array("{}".utf8))
        #expect(Array(message[8..<12]) == checksum(message[0..<8]))
        #expect(Array(message.suffix(4)) == checksum(message.dropLast(4)))
    }

    @Test func `an exception says which in its headers`() {
        let message = bytes(EventStreamEncoder(.exception("E"), contentType: "t"), payload: [])

        #expect(String(decoding: message, as: UTF8.self).contains(":exception-type\u{7}\0\u{1}E"))
    }

    /// CRC-32 as its definition has it, a bit at a time.
    private func checksum(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var crc: UInt32 = ~0
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: ~crc >> $0) }
    }
}
