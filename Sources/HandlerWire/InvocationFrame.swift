package import StreamCore

/// One batch on its way to a plugin.
///
/// After the prefix: invocation number (8), timeout in milliseconds (4), records (4), the offset that counts as
/// zero (4), data bytes (4), the lengths of request ID, stream ARN, shard ID and function ARN (2 each), flags (4),
/// the length of a window's state (4); then these texts; for a tumbling window its start and end in milliseconds
/// (8 each) and its state; all this filled up to a multiple of eight; then one `RecordEntry` per record as it lies
/// in memory; then the data.
package struct InvocationFrame: Sendable {
    static let headerBytes = PluginFrame.prefixBytes + 40
    static let entryBytes = 48
    static let windowBytes = 16

    /// What the flags of an invocation say.
    enum Flag {
        static let window: UInt32 = 1
        static let isFinal: UInt32 = 2
        static let isTerminatedEarly: UInt32 = 4
    }

    /// The frame up to the index; entries and data follow from the batch's own memory.
    package let head: [UInt8]
    package let batch: RecordBatch
    private let entryRange: Range<Int>
    private let byteRange: Range<Int>

    /// Takes the records where they lie when they are contiguous, and gathers them otherwise.
    package init(
        number: UInt64,
        records: RecordSelection,
        context: InvocationContext,
        window: WindowContext? = nil,
        timeout: Duration
    ) {
        let slices = Slices(records) ?? Slices(gathering: records)
        batch = slices.batch
        entryRange = slices.entries
        byteRange = slices.bytes

        var head = PluginFrame.begin(.invocation, capacity: 512)
        head.append(little: number)
        head.append(little: UInt32(clamping: timeout.milliseconds))
        head.append(little: UInt32(entryRange.count))
        head.append(little: UInt32(byteRange.lowerBound))
        head.append(little: UInt32(byteRange.count))
        let texts = [context.requestID, context.streamARN, context.shard.text, context.functionARN]
        for text in texts { head.append(little: UInt16(clamping: text.utf8.count)) }
        head.append(little: window.map(Self.flags) ?? 0)
        head.append(little: UInt32(window?.state.count ?? 0))
        for text in texts { head += text.utf8.prefix(Int(UInt16.max)) }
        if let window {
            head.append(little: window.start.milliseconds)
            head.append(little: window.end.milliseconds)
            head += window.state
        }
        head += repeatElement(0, count: (8 - head.count % 8) % 8)
        PluginFrame.finish(&head, extra: entryRange.count * Self.entryBytes + byteRange.count)
        self.head = head
    }

    private static func flags(_ window: WindowContext) -> UInt32 {
        Flag.window | (window.isFinal ? Flag.isFinal : 0)
            | (window.isTerminatedEarly ? Flag.isTerminatedEarly : 0)
    }

    package var count: Int { head.count + entryRange.count * Self.entryBytes + byteRange.count }

    /// Lends the three slices that together are the frame; no pointer outlives the call.
    package func withSlices<Result>(
        _ body: (
            _ head: UnsafeRawBufferPointer, _ entries: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer
        )
            throws -> Result
    ) rethrows -> Result {
        try head.withUnsafeBytes { head in
            try batch.withUnsafeContents { bytes, entries in
                try body(
                    head,
                    UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: entries[entryRange])),
                    UnsafeRawBufferPointer(rebasing: bytes[byteRange])
                )
            }
        }
    }
}

extension InvocationFrame {
    private struct Slices {
        let batch: RecordBatch
        let entries: Range<Int>
        let bytes: Range<Int>

        /// - Returns: `nil` when the records do not lie together.
        init?(_ records: RecordSelection) {
            guard case .range(let range) = records.indices else { return nil }
            let extent = records.batch.withUnsafeContents { _, entries in
                Self.extent(of: UnsafeBufferPointer(rebasing: entries[range]))
            }
            // A log may keep a little between its records, but sending mostly gaps costs more than gathering.
            guard extent.bytes.count <= 2 * extent.dataBytes + 4096 else { return nil }
            batch = records.batch
            entries = range
            bytes = extent.bytes
        }

        init(gathering records: RecordSelection) {
            batch = records.compacted()
            entries = 0..<batch.count
            bytes = 0..<batch.bytes.count
        }

        private static func extent(
            of entries: UnsafeBufferPointer<RecordEntry>
        ) -> (bytes: Range<Int>, dataBytes: Int) {
            guard !entries.isEmpty else { return (0..<0, 0) }
            var start = Int.max
            var end = 0
            var dataBytes = 0
            for entry in entries {
                start = min(start, Int(entry.offset))
                end = max(end, Int(entry.offset) + entry.dataBytes)
                dataBytes += entry.dataBytes
            }
            return (start..<end, dataBytes)
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
