package import StreamCore

import CBytes
import Foundation

/// One record of a log that the Kinesis Producer Library has made of several.
///
/// Its payload is a magic number, a protobuf message, and the MD5 of that message.
package struct AggregatedRecord {
    private static let magic: [UInt8] = [0xF3, 0x89, 0x9A, 0xC2]
    private static let digestBytes = 16
    /// Kinesis takes 256 characters; a longer one, written for each part, would make gigabytes of one record.
    private static let maximumKeyBytes = 1_024

    private let message: UnsafeRawBufferPointer

    /// - Parameter payload: Must outlive the value.
    /// - Returns: `nil` for an ordinary record: another beginning, too short, or another digest.
    @inline(__always)
    package init?(_ payload: UnsafeRawBufferPointer) {
        guard payload.count > Self.magic.count + Self.digestBytes, payload[0] == Self.magic[0],
            payload[1] == Self.magic[1], payload[2] == Self.magic[2], payload[3] == Self.magic[3]
        else { return nil }
        let message = UnsafeRawBufferPointer(rebasing: payload[4..<payload.count - Self.digestBytes])
        guard Self.digest(of: message, is: payload.suffix(Self.digestBytes)) else { return nil }
        self.message = message
    }

    private static func digest(of message: UnsafeRawBufferPointer, is expected: Slice<UnsafeRawBufferPointer>)
        -> Bool
    {
        var (high, low): (UInt64, UInt64) = (0, 0)
        millrace_md5(message.baseAddress, message.count, &high, &low)
        let words = [high, low].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
        }
        return words.elementsEqual(expected)
    }

    /// What an aggregate holds, as places in its message.
    package struct Contents {
        package struct Record {
            package let partitionKey: UnsafeRawBufferPointer
            package let explicitHashKey: UnsafeRawBufferPointer?
            package let data: UnsafeRawBufferPointer

            /// Where it falls: the explicit hash key, else the MD5 of the partition key.
            package var hashKey: UInt128? {
                guard let explicitHashKey else { return HashKey.of(partitionKey) }
                return UInt128(String(decoding: explicitHashKey, as: UTF8.self))
            }
        }
        package let records: [Record]
        /// A record named a key that is not there; it and those after it are lost.
        package let isCut: Bool
    }

    /// - Returns: `nil` when the message cannot be read, or has keys that no stream takes: then it is an ordinary record.
    package func contents() -> Contents? {
        var keys: [UnsafeRawBufferPointer] = []
        var hashKeys: [UnsafeRawBufferPointer] = []
        var parts: [UnsafeRawBufferPointer] = []
        var fields = ProtobufFields(message)
        while let field = fields.next() {
            switch (field.number, field.bytes) {
            case (1, let bytes?): keys.append(bytes)
            case (2, let bytes?): hashKeys.append(bytes)
            case (3, let bytes?): parts.append(bytes)
            default: break
            }
        }
        guard !fields.isDamaged, keys.allSatisfy({ $0.count <= Self.maximumKeyBytes }),
            hashKeys.allSatisfy({ UInt128(String(decoding: $0, as: UTF8.self)) != nil })
        else { return nil }
        var records: [Contents.Record] = []
        records.reserveCapacity(parts.count)
        var isCut = false
        for part in parts {
            guard let place = RecordPlace(part) else { return nil }
            guard !isCut, place.key < keys.count, place.hashKey.map({ $0 < hashKeys.count }) ?? true else {
                isCut = true
                continue
            }
            records.append(
                Contents.Record(
                    partitionKey: keys[Int(place.key)],
                    explicitHashKey: place.hashKey.map { hashKeys[Int($0)] },
                    data: place.data
                )
            )
        }
        return Contents(records: records, isCut: isCut)
    }

    private struct RecordPlace {
        let key: UInt64
        let hashKey: UInt64?
        let data: UnsafeRawBufferPointer

        /// - Returns: `nil` without what every record has.
        init?(_ bytes: UnsafeRawBufferPointer) {
            var (key, hashKey): (UInt64?, UInt64?)
            var data: UnsafeRawBufferPointer?
            var fields = ProtobufFields(bytes)
            while let field = fields.next() {
                switch field.number {
                case 1 where field.bytes == nil: key = field.value
                case 2 where field.bytes == nil: hashKey = field.value
                case 3 where field.bytes != nil: data = field.bytes
                default: break
                }
            }
            guard !fields.isDamaged, let key, let data else { return nil }
            (self.key, self.hashKey, self.data) = (key, hashKey, data)
        }
    }
}

/// Walks over the fields of a protobuf message.
private struct ProtobufFields {
    struct Field {
        let number: UInt64
        /// Of a number.
        let value: UInt64
        /// Of a text, bytes or a message.
        let bytes: UnsafeRawBufferPointer?
    }

    private let message: UnsafeRawBufferPointer
    private var place = 0
    private(set) var isDamaged = false

    init(_ message: UnsafeRawBufferPointer) { self.message = message }

    /// - Returns: `nil` at the end, or where it cannot be read.
    mutating func next() -> Field? {
        guard place < message.count, !isDamaged else { return nil }
        guard let tag = varint(), let field = field(tag >> 3, type: tag & 7) else {
            isDamaged = true
            return nil
        }
        return field
    }

    private mutating func field(_ number: UInt64, type: UInt64) -> Field? {
        switch type {
        case 0: return varint().map { Field(number: number, value: $0, bytes: nil) }
        case 1: return skip(8) ? Field(number: number, value: 0, bytes: nil) : nil
        case 5: return skip(4) ? Field(number: number, value: 0, bytes: nil) : nil
        case 2:
            let start: Int
            guard let length = varint(), length <= UInt64(message.count - place) else { return nil }
            start = place
            place += Int(length)
            return Field(
                number: number,
                value: 0,
                bytes: UnsafeRawBufferPointer(rebasing: message[start..<place])
            )
        default: return nil
        }
    }

    private mutating func skip(_ count: Int) -> Bool {
        guard count <= message.count - place else { return false }
        place += count
        return true
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard place < message.count else { return nil }
            let byte = message[place]
            place += 1
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return nil
    }
}

extension RecordBatch {
    /// Takes aggregated records apart: their parts share sequence number and arrival time, and are numbered from 0.
    ///
    /// An aggregate with a part that falls outside of the shard is left out as a whole: after a reshard the sibling has it.
    ///
    /// - Parameter onLoss: Told of an aggregate of which parts are lost, since they name keys that are not there.
    /// - Returns: This batch itself when no record is aggregated.
    package func deaggregated(
        within range: HashKeyRange,
        onLoss: (SequenceNumber) -> Void = { _ in }
    ) -> RecordBatch {
        withUnsafeContents { source, sourceEntries in
            func payload(_ entry: RecordEntry) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: source[entry.payloadRange])
            }
            guard sourceEntries.contains(where: { AggregatedRecord(payload($0)) != nil }) else { return self }
            var bytes: [UInt8] = []
            var entries: [RecordEntry] = []
            // The parts are what the message is made of, but keys are written for each.
            bytes.reserveCapacity(source.count * 2)
            entries.reserveCapacity(sourceEntries.count * 4)
            for entry in sourceEntries {
                guard let contents = AggregatedRecord(payload(entry))?.contents() else {
                    bytes.append(
                        UnsafeRawBufferPointer(rebasing: source[entry.keyRange]),
                        payload(entry),
                        as: entry,
                        part: 0,
                        to: &entries
                    )
                    continue
                }
                guard contents.records.allSatisfy({ $0.hashKey.map(range.contains) ?? false }) else {
                    continue
                }
                if contents.isCut { onLoss(entry.sequenceNumber) }
                for (part, record) in contents.records.enumerated() {
                    bytes.append(
                        record.partitionKey,
                        record.data,
                        as: entry,
                        part: UInt32(part),
                        to: &entries
                    )
                }
            }
            return RecordBatch(bytes: bytes, entries: entries)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(
        _ key: UnsafeRawBufferPointer,
        _ data: UnsafeRawBufferPointer,
        as whole: RecordEntry,
        part: UInt32,
        to entries: inout [RecordEntry]
    ) {
        entries.append(
            RecordEntry(
                sequenceNumber: whole.sequenceNumber,
                arrival: whole.arrival,
                offset: UInt32(count),
                keyBytes: UInt16(Swift.min(key.count, Int(UInt16.max))),
                payloadBytes: UInt32(data.count),
                subSequenceNumber: part
            )
        )
        append(contentsOf: key.prefix(Int(UInt16.max)))
        append(contentsOf: data)
    }
}
