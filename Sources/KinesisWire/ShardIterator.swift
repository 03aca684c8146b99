package import StreamCore

import ByteCoding
import CBytes

/// A place in a shard that a client carries from one GetRecords to the next.
///
/// The server keeps nothing: the token says it all, so an iterator that is used twice gives the same records, and one
/// outlives a restart. As bytes, little-endian, then in base64:
///
///     bytes  what
///     1      version, 1
///     8      when it was issued, milliseconds since 1970
///     8      the stream's incarnation: a recreated stream does not honour the iterators of its predecessor
///     24     the sequence number that reading goes on at, low word first
///     8      records that arrived earlier are left out, milliseconds since 1970; 0 for none
///     8, 4   hint: the segment and the offset in it where that record is; all ones when there is none
///     1, n   length and bytes of the stream's name
///     1, n   length and bytes of the shard's name
///     4      CRC-32C of everything before
package struct ShardIterator: Hashable, Sendable {
    /// Where the log found the next record; it checks before it trusts.
    package struct Hint: Hashable, Sendable {
        package let segment: UInt64
        package let offset: UInt32

        package init(segment: UInt64, offset: UInt32) {
            self.segment = segment
            self.offset = offset
        }

        fileprivate static let none = Hint(segment: .max, offset: .max)
    }

    /// How long an iterator is good for.
    package static let lifetimeMilliseconds: Int64 = 300_000
    /// Of the token, as the service model has it.
    private static let maximumCharacters = 512
    private static let version: UInt8 = 1
    /// Tokens of other services and of other formats do not pass for ours.
    private static let checksumSeed: UInt32 = 0x4B49_5445

    package let stream: StreamName
    package let incarnation: UInt64
    package let shard: ShardID
    /// Reading goes on at the first record with this number or a larger one.
    package let next: SequenceNumber
    /// Records that arrived earlier are left out.
    package let notBefore: Timestamp?
    package let hint: Hint?
    package let issued: Timestamp

    package init(
        stream: StreamName,
        incarnation: UInt64,
        shard: ShardID,
        next: SequenceNumber,
        notBefore: Timestamp? = nil,
        hint: Hint? = nil,
        issued: Timestamp
    ) {
        self.stream = stream
        self.incarnation = incarnation
        self.shard = shard
        self.next = next
        self.notBefore = notBefore
        self.hint = hint
        self.issued = issued
    }

    package func isExpired(at now: Timestamp) -> Bool {
        now.millisecondsSince(issued) > Self.lifetimeMilliseconds
    }

    package var token: String {
        let hint = hint ?? .none
        var writer = ByteWriter(capacity: 512)
        writer.append(Self.version)
        writer.append(littleEndian: issued.milliseconds)
        writer.append(littleEndian: incarnation)
        writer.append(littleEndian: next.low)
        writer.append(littleEndian: next.middle)
        writer.append(littleEndian: next.high)
        writer.append(littleEndian: notBefore?.milliseconds ?? 0)
        writer.append(littleEndian: hint.segment)
        writer.append(littleEndian: hint.offset)
        writer.append(shortText: stream.text)
        writer.append(shortText: shard.text)
        writer.append(littleEndian: writer.withUnsafeBytes(Self.checksum))
        return Base64.encode(writer.bytes)
    }

    /// - Returns: `nil` for anything that `token` did not make.
    package init?(token: String) {
        guard token.utf8.count <= Self.maximumCharacters, let bytes = Base64.decode(token), bytes.count > 4
        else {
            return nil
        }
        let body = bytes.dropLast(4)
        var reader = TokenReader(bytes: bytes.suffix(4))
        guard reader.integer() == body.withUnsafeBytes(Self.checksum) else { return nil }

        reader = TokenReader(bytes: body)
        guard reader.integer() == Self.version,
            let issued: Int64 = reader.integer(),
            let incarnation: UInt64 = reader.integer(),
            let low: UInt64 = reader.integer(),
            let middle: UInt64 = reader.integer(),
            let high: UInt64 = reader.integer(),
            let notBefore: Int64 = reader.integer(),
            let segment: UInt64 = reader.integer(),
            let offset: UInt32 = reader.integer(),
            let stream = reader.shortText().flatMap({ StreamName($0) }),
            let shard = reader.shortText().flatMap({ ShardID($0) }),
            reader.isAtEnd
        else { return nil }
        let hint = Hint(segment: segment, offset: offset)
        self.init(
            stream: stream,
            incarnation: incarnation,
            shard: shard,
            next: SequenceNumber(high: high, middle: middle, low: low),
            notBefore: notBefore == 0 ? nil : Timestamp(milliseconds: notBefore),
            hint: hint == .none ? nil : hint,
            issued: Timestamp(milliseconds: issued)
        )
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = bytes.baseAddress else { return checksumSeed }
        return millrace_crc32c(checksumSeed, base, bytes.count)
    }
}

/// Takes a token's fields from the front.
private struct TokenReader {
    private var rest: ArraySlice<UInt8>

    init(bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// Little-endian, of the size that the caller's type has.
    mutating func integer<Value: FixedWidthInteger>() -> Value? {
        let size = MemoryLayout<Value>.size
        guard rest.count >= size else { return nil }
        defer { rest = rest.dropFirst(size) }
        var value: Value = 0
        for (place, byte) in rest.prefix(size).enumerated() {
            value |= Value(truncatingIfNeeded: byte) << (8 * place)
        }
        return value
    }

    mutating func shortText() -> String? {
        guard let count: UInt8 = integer(), rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return String(decoding: rest.prefix(Int(count)), as: UTF8.self)
    }
}

extension ByteWriter {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append($0) }
    }

    /// Names have at most 128 bytes.
    fileprivate mutating func append(shortText text: String) {
        append(UInt8(text.utf8.count))
        append(text: text)
    }
}
