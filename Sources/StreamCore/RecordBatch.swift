/// Records of one shard in order: one byte buffer and a flat index into it.
///
/// The batch is the unit of work and a record is a view of it: nothing is allocated, boxed or awaited per
/// record. Lanes, filters and halves are `RecordSelection`s, which pick indices and copy no record.
package struct RecordBatch: Sendable {
    /// Partition keys and payloads, with whatever the log keeps between them.
    package let bytes: [UInt8]
    /// One entry per record, in sequence number order.
    package let entries: [RecordEntry]

    package init(bytes: [UInt8], entries: [RecordEntry]) {
        self.bytes = bytes
        self.entries = entries
    }

    package static let empty = RecordBatch(bytes: [], entries: [])

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }
    package var first: RecordEntry? { entries.first }
    package var last: RecordEntry? { entries.last }

    /// Every record of the batch.
    package var all: RecordSelection { RecordSelection(batch: self, indices: .range(0..<count)) }

    /// Lends the bytes and the index for a loop over records; neither pointer outlives the call.
    package func withUnsafeContents<Result>(
        _ body: (_ bytes: UnsafeRawBufferPointer, _ entries: UnsafeBufferPointer<RecordEntry>) throws ->
            Result
    ) rethrows -> Result {
        try bytes.withUnsafeBytes { bytes in
            try entries.withUnsafeBufferPointer { try body(bytes, $0) }
        }
    }

    /// These records and then those of `other`, in one buffer.
    ///
    /// Copies both.
    package func appending(_ other: RecordBatch) -> RecordBatch {
        var joined = self
        joined.append(other)
        return joined
    }

    /// Adds the records of `other`.
    ///
    /// Copies those alone unless this batch is shared, so that many small reads grow into one batch in linear
    /// time.
    package mutating func append(_ other: RecordBatch) {
        guard !other.isEmpty else { return }
        guard !isEmpty else { return self = other }
        var (bytes, entries) = (bytes, entries)
        // The buffers have one owner while they grow.
        self = .empty
        let shift = UInt32(bytes.count)
        bytes += other.bytes
        for entry in other.entries { entries.append(entry.moved(by: shift)) }
        self = RecordBatch(bytes: bytes, entries: entries)
    }

    /// The partition key of one record, as text; for messages and tests.
    package func partitionKey(at index: Int) -> String {
        let entry = entries[index]
        return String(decoding: bytes[entry.keyRange], as: UTF8.self)
    }

    /// The payload of one record, copied; for messages and tests.
    package func payload(at index: Int) -> [UInt8] { Array(bytes[entries[index].payloadRange]) }
}

/// Where one record of a batch lies, and what is known of it: 48 bytes without references.
///
/// This is also its form in a plugin frame on a little-endian machine, field by field in this order, so that
/// a whole batch goes to a plugin as two slices of memory.
public struct RecordEntry: Hashable, Sendable {
    public let sequenceNumber: SequenceNumber
    /// Approximate arrival: when the log accepted the record.
    public let arrival: Timestamp
    /// Where the partition key starts in the batch's bytes; the payload follows it directly.
    public let offset: UInt32
    public let payloadBytes: UInt32
    /// 1–256 characters, so at most 1,024 bytes.
    public let keyBytes: UInt16
    @usableFromInline let reserved: UInt16 = 0
    /// The place inside an aggregated record; 0 for a record of its own.
    public let subSequenceNumber: UInt32

    @inlinable
    public init(
        sequenceNumber: SequenceNumber,
        arrival: Timestamp,
        offset: UInt32,
        keyBytes: UInt16,
        payloadBytes: UInt32,
        subSequenceNumber: UInt32 = 0
    ) {
        self.sequenceNumber = sequenceNumber
        self.arrival = arrival
        self.offset = offset
        self.payloadBytes = payloadBytes
        self.keyBytes = keyBytes
        self.subSequenceNumber = subSequenceNumber
    }

    @inlinable public var keyRange: Range<Int> { Int(offset)..<Int(offset) + Int(keyBytes) }
    @inlinable public var payloadRange: Range<Int> {
        keyRange.upperBound..<keyRange.upperBound + Int(payloadBytes)
    }
    /// Partition key and payload: what limits count, as Kinesis counts them.
    @inlinable public var dataBytes: Int { Int(keyBytes) + Int(payloadBytes) }

    package func moved(by shift: UInt32) -> RecordEntry {
        RecordEntry(
            sequenceNumber: sequenceNumber,
            arrival: arrival,
            offset: offset + shift,
            keyBytes: keyBytes,
            payloadBytes: payloadBytes,
            subSequenceNumber: subSequenceNumber
        )
    }
}
