import CZlib

/// One message of AWS's event stream framing.
package struct EventStreamMessage: Hashable, Sendable {
    /// Those whose value is a text: `:message-type`, `:event-type`, `:exception-type`.
    package let headers: [String: String]
    package let payload: [UInt8]

    package var kind: String? { headers[":message-type"] }
    package var event: String? { headers[":event-type"] }
    package var exception: String? { headers[":exception-type"] ?? headers[":error-code"] }
}

/// The bytes are no event stream, or were damaged on their way; nothing after them can be read.
package struct EventStreamDamage: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String
    package var description: String { "damaged event stream: \(reason)" }
}

/// Cuts a stream of bytes into messages as they arrive, and checks their sums.
///
/// A message is its length and that of its headers, a checksum of both, headers, payload, and a checksum of everything.
package struct EventStreamDecoder: Sendable {
    private static let preludeBytes = 12
    private static let checksumBytes = 4
    /// A message of SubscribeToShard holds at most 10 MiB of payloads, in base64.
    private static let maximumBytes = 32 << 20

    private var bytes: [UInt8] = []
    private var start = 0

    package init() {}

    package mutating func append(_ more: [UInt8]) {
        if start == bytes.count {
            (bytes, start) = (more, 0)
            return
        }
        if start > bytes.count / 2 {
            bytes.removeSubrange(..<start)
            start = 0
        }
        bytes += more
    }

    /// Tells of the end of the bytes, where no message may be incomplete.
    package func finish() throws(EventStreamDamage) {
        guard start == bytes.count else { throw EventStreamDamage(reason: "it ends inside a message") }
    }

    /// - Returns: `nil` when the next message is not complete yet.
    package mutating func next() throws(EventStreamDamage) -> EventStreamMessage? {
        guard bytes.count - start >= Self.preludeBytes else { return nil }
        let length = Int(word(at: start))
        let headerBytes = Int(word(at: start + 4))
        guard checksum(of: start..<start + 8) == word(at: start + 8) else {
            throw EventStreamDamage(reason: "the checksum of a prelude is wrong")
        }
        let frameBytes = Self.preludeBytes + Self.checksumBytes
        guard length <= Self.maximumBytes, headerBytes + frameBytes <= length else {
            throw EventStreamDamage(reason: "a message of \(length) bytes with \(headerBytes) of headers")
        }
        guard bytes.count - start >= length else { return nil }
        let end = start + length - Self.checksumBytes
        guard checksum(of: start..<end) == word(at: end) else {
            throw EventStreamDamage(reason: "the checksum of a message is wrong")
        }
        let headersEnd = start + Self.preludeBytes + headerBytes
        let headers = try headers(in: start + Self.preludeBytes..<headersEnd)
        let payload = Array(bytes[headersEnd..<end])
        start += length
        return EventStreamMessage(headers: headers, payload: payload)
    }

    private func headers(in range: Range<Int>) throws(EventStreamDamage) -> [String: String] {
        var headers: [String: String] = [:]
        var place = range.lowerBound
        func take(_ count: Int) throws(EventStreamDamage) -> Range<Int> {
            guard count <= range.upperBound - place else {
                throw EventStreamDamage(reason: "a header passes the end of the headers")
            }
            defer { place += count }
            return place..<place + count
        }
        while place < range.upperBound {
            let nameBytes = Int(bytes[try take(1).lowerBound])
            let name = String(decoding: bytes[try take(nameBytes)], as: UTF8.self)
            let type = bytes[try take(1).lowerBound]
            switch type {
            case 0, 1: break
            case 2: _ = try take(1)
            case 3: _ = try take(2)
            case 4: _ = try take(4)
            case 5, 8: _ = try take(8)
            case 6, 7:
                let lengthAt = try take(2).lowerBound
                let value = try take(Int(bytes[lengthAt]) << 8 | Int(bytes[lengthAt + 1]))
                if type == 7 { headers[name] = String(decoding: bytes[value], as: UTF8.self) }
            case 9: _ = try take(16)
            default: throw EventStreamDamage(reason: "header \(name) is of unknown type \(type)")
            }
        }
        return headers
    }

    private func word(at place: Int) -> UInt32 {
        bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private func checksum(of range: Range<Int>) -> UInt32 {
        bytes.withUnsafeBufferPointer { bytes in
            UInt32(crc32(0, UnsafeBufferPointer(rebasing: bytes[range]).baseAddress, UInt32(range.count)))
        }
    }
}
