package import StreamCore

extension RecordBatch {
    /// Records with these sequence numbers, each with the key `key-N` for a number N and a payload of this
    /// size.
    package static func numbered(_ numbers: some Sequence<UInt64>, payloadBytes: Int = 10) -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        for number in numbers {
            let (offset, key) = (UInt32(bytes.count), "key-\(number)")
            bytes += key.utf8
            bytes += repeatElement(UInt8(truncatingIfNeeded: number), count: payloadBytes)
            entries.append(
                RecordEntry(
                    sequenceNumber: SequenceNumber(integerLiteral: number),
                    arrival: Timestamp(milliseconds: Int64(number)),
                    offset: offset,
                    keyBytes: UInt16(key.utf8.count),
                    payloadBytes: UInt32(payloadBytes)
                )
            )
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    /// The sequence numbers, as far as they fit in a word.
    package var numbers: [UInt64] { entries.map(\.sequenceNumber.low) }
}

extension RecordSelection {
    /// The sequence numbers, as far as they fit in a word.
    package var numbers: [UInt64] { compacted().numbers }
}
