import StreamCore

extension RecordBatch {
    /// Records numbered from 1 with these payloads, each with the key `key-N` and arrived N milliseconds into
    /// 2018-12-17T22:10:50Z.
    static func payloads(_ payloads: [[UInt8]]) -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        for (index, payload) in payloads.enumerated() {
            let (offset, key) = (UInt32(bytes.count), "key-\(index + 1)")
            bytes += key.utf8
            bytes += payload
            entries.append(
                RecordEntry(
                    sequenceNumber: SequenceNumber(integerLiteral: UInt64(index + 1)),
                    arrival: Timestamp(milliseconds: 1_545_084_650_000 + Int64(index + 1)),
                    offset: offset,
                    keyBytes: UInt16(key.utf8.count),
                    payloadBytes: UInt32(payload.count)
                )
            )
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    static func payloads(_ texts: [String]) -> RecordBatch { payloads(texts.map { Array($0.utf8) }) }
}
