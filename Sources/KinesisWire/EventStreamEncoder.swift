import CZlib

/// One message of the framing `application/vnd.amazon.eventstream`, written in place around its payload.
///
///     bytes  what, numbers big-endian
///     4      length of the whole message
///     4      length of the headers
///     4      CRC-32 of the eight bytes before
///     n      headers: length and bytes of the name, type 7 (text), length in 2 bytes, text
///     n      payload
///     4      CRC-32 of everything before
package struct EventStreamEncoder: Sendable {
    /// What a message says in its headers.
    package enum Kind: Sendable, Hashable {
        /// `:message-type: event`.
        case event(String)
        /// `:message-type: exception`; a client throws it.
        case exception(String)
    }

    private static let preludeBytes = 12
    private static let checksumBytes = 4
    private static let textType: UInt8 = 7

    private let headers: [(name: String, value: String)]
    private let headersBytes: Int

    package init(_ kind: Kind, contentType: String) {
        headers =
            switch kind {
            case .event(let name):
                [(":message-type", "event"), (":event-type", name), (":content-type", contentType)]
            case .exception(let name):
                [(":message-type", "exception"), (":exception-type", name), (":content-type", contentType)]
            }
        headersBytes = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    /// Of everything but the payload.
    package var frameBytes: Int { Self.preludeBytes + headersBytes + Self.checksumBytes }

    /// Writes the message to `target`, which has room for `frameBytes` and the payload.
    ///
    /// - Parameter payload: Writes the payload, and answers how many bytes it has.
    /// - Returns: How many bytes were written.
    package func write(
        to target: UnsafeMutableRawPointer,
        payload: (UnsafeMutableRawPointer) -> Int
    ) -> Int {
        var position = Self.preludeBytes
        for (name, value) in headers {
            target.storeBytes(of: UInt8(name.utf8.count), toByteOffset: position, as: UInt8.self)
            position += 1
            Self.copy(name, to: target, at: &position)
            target.storeBytes(of: Self.textType, toByteOffset: position, as: UInt8.self)
            position += 1
            target.storeBytes(of: UInt16(value.utf8.count).bigEndian, toByteOffset: position, as: UInt16.self)
            position += 2
            Self.copy(value, to: target, at: &position)
        }
        position += payload(target + position)
        let total = position + Self.checksumBytes
        target.storeBytes(of: UInt32(total).bigEndian, as: UInt32.self)
        target.storeBytes(of: UInt32(headersBytes).bigEndian, toByteOffset: 4, as: UInt32.self)
        target.storeBytes(of: Self.checksum(target, 8).bigEndian, toByteOffset: 8, as: UInt32.self)
        target.storeBytes(
            of: Self.checksum(target, position).bigEndian,
            toByteOffset: position,
            as: UInt32.self
        )
        return total
    }

    private static func copy(_ text: String, to target: UnsafeMutableRawPointer, at position: inout Int) {
        var text = text
        text.withUTF8 { bytes in
            if let base = bytes.baseAddress {
                (target + position).copyMemory(from: base, byteCount: bytes.count)
            }
            position += bytes.count
        }
    }

    private static func checksum(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32(0, bytes.assumingMemoryBound(to: UInt8.self), UInt32(count)))
    }
}
