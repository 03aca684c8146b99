import StreamCore

/// One record of a batch: a view of the batch's memory, valid for as long as it is kept.
public struct Record: Sendable {
    let buffer: FrameBuffer
    let entry: RecordEntry
    /// Where the partition key starts in the buffer.
    let keyStart: Int

    /// Decimal digits, unique in the stream and growing along the shard.
    public var sequenceNumber: String { entry.sequenceNumber.description }

    /// The sequence number as three words; compares as the digits do.
    public var sequenceWords: (high: UInt64, middle: UInt64, low: UInt64) {
        (entry.sequenceNumber.high, entry.sequenceNumber.middle, entry.sequenceNumber.low)
    }

    /// The place inside an aggregated record; 0 for a record of its own.
    public var subSequenceNumber: UInt32 { entry.subSequenceNumber }

    /// When the log accepted the record, in milliseconds since 1970-01-01 UTC.
    public var approximateArrival: Int64 { entry.arrival.milliseconds }

    public var partitionKey: String { String(decoding: partitionKeyBytes, as: UTF8.self) }

    /// The partition key's UTF-8, without making a string.
    public var partitionKeyBytes: Payload {
        Payload(owner: buffer, start: buffer.base + keyStart, count: Int(entry.keyBytes))
    }

    /// What the producer put.
    public var payload: Payload {
        Payload(
            owner: buffer,
            start: buffer.base + keyStart + Int(entry.keyBytes),
            count: Int(entry.payloadBytes)
        )
    }
}
