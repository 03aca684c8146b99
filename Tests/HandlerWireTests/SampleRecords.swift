import StreamCore

/// A batch with the given keys and payloads, numbered from `start`.
func makeBatch(_ records: [(key: String, payload: [UInt8])], start: UInt128 = 1 << 80) -> RecordBatch {
    var bytes: [UInt8] = []
    var entries: [RecordEntry] = []
    for (index, record) in records.enumerated() {
        let offset = UInt32(bytes.count)
        bytes += record.key.utf8
        bytes += record.payload
        entries.append(
            RecordEntry(
                sequenceNumber: SequenceNumber(start + UInt128(index)),
                arrival: Timestamp(milliseconds: 1_545_084_650_987 + Int64(index)),
                offset: offset,
                keyBytes: UInt16(record.key.utf8.count),
                payloadBytes: UInt32(record.payload.count)
            )
        )
    }
    return RecordBatch(bytes: bytes, entries: entries)
}

let sampleContext = InvocationContext(
    requestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
    shard: "shardId-000000000003",
    functionARN: "arn:aws:lambda:us-east-1:000000000000:function:alerts"
)
