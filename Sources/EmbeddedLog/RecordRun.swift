import StreamCore

/// Reads a run of records of one segment into a batch: the bytes as they lie in the file, and an index into them.
struct RecordRun {
    struct Limits {
        let maxRecords: Int
        let maxBytes: Int
    }

    private enum Stop {
        case limit
        /// The next record needs this many bytes.
        case needsMore(recordBytes: Int)
        case invalid
    }

    /// Records read by one call at most.
    static let maximumRecords = 100_000
    /// Bytes of keys and payloads read by one call at most, unless a single record has more.
    static let maximumBytes = 16 << 20
    /// Small enough that the records are still in the cache when they are checked.
    private static let chunkBytes = 256 << 10

    let batch: RecordBatch
    /// Where the record after the last one begins.
    let endOffset: Int

    /// - Parameters:
    ///   - start: Where a record begins.
    ///   - end: Where the last record to read ends.
    ///   - averageRecordBytes: Sizes the buffer; a run of larger records is cut short.
    /// - Throws: `LogCorrupted` when the first record is damaged; damage further on ends the run before it.
    init(
        of file: SegmentFile,
        from start: Int,
        to end: Int,
        limits: Limits,
        averageRecordBytes: Int
    ) throws {
        let maxRecords = min(max(1, limits.maxRecords), Self.maximumRecords)
        let maxBytes = min(max(0, limits.maxBytes), Self.maximumBytes)
        let average = max(averageRecordBytes, RecordHeader.byteCount)
        let expected =
            min(maxRecords * (average + average / 8), maxBytes + maxRecords * RecordHeader.byteCount) + 1024
        var capacity = min(end - start, expected)
        while true {
            var parser = Parser(header: file.header, maxRecords: maxRecords, maxBytes: maxBytes)
            var stop = Stop.invalid
            var entries: [RecordEntry] = []
            let bytes = try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                let target = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<capacity]
                )
                let entryCapacity = min(maxRecords, capacity / RecordHeader.byteCount + 1)
                entries = try [RecordEntry](unsafeUninitializedCapacity: entryCapacity) {
                    entries,
                    entryCount in
                    stop = try Self.fill(target, from: file, at: start, with: &parser, into: entries)
                    entryCount = parser.count
                }
                count = parser.position
            }
            if !entries.isEmpty {
                batch = RecordBatch(bytes: bytes, entries: entries)
                endOffset = start + bytes.count
                return
            }
            guard case .needsMore(let recordBytes) = stop, recordBytes > capacity, recordBytes <= end - start
            else {
                throw LogCorrupted(file: file.path, offset: start)
            }
            capacity = recordBytes
        }
    }

    private static func fill(
        _ target: UnsafeMutableRawBufferPointer,
        from file: SegmentFile,
        at start: Int,
        with parser: inout Parser,
        into entries: UnsafeMutableBufferPointer<RecordEntry>
    ) throws -> Stop {
        var filled = 0
        while true {
            let wanted = UnsafeMutableRawBufferPointer(
                rebasing: target[filled..<min(filled + chunkBytes, target.count)]
            )
            let count = try file.read(into: wanted, at: start + filled)
            filled += count
            let read = UnsafeRawBufferPointer(rebasing: target[..<filled])
            let stop = parser.parse(read, into: entries)
            guard case .needsMore = stop, count == wanted.count, filled < target.count else { return stop }
        }
    }

    /// Turns bytes into entries, going on where it stopped when more bytes are there.
    private struct Parser {
        let numbers: UInt64
        let salt: UInt32
        let maxRecords: Int
        let maxBytes: Int
        private(set) var position = 0
        private(set) var count = 0
        private var dataBytes = 0

        init(header: SegmentHeader, maxRecords: Int, maxBytes: Int) {
            numbers = header.numbers
            salt = header.salt
            self.maxRecords = maxRecords
            self.maxBytes = maxBytes
        }

        mutating func parse(
            _ bytes: UnsafeRawBufferPointer,
            into entries: UnsafeMutableBufferPointer<RecordEntry>
        ) -> Stop {
            guard let base = bytes.baseAddress, let target = entries.baseAddress else { return .invalid }
            let entryLimit = min(maxRecords, entries.count)
            while count < entryLimit {
                guard bytes.count - position >= RecordHeader.byteCount else {
                    return .needsMore(recordBytes: RecordHeader.byteCount)
                }
                let header = RecordHeader(at: base + position)
                if count > 0, dataBytes + header.dataBytes > maxBytes { return .limit }
                guard bytes.count - position >= header.recordBytes else {
                    return .needsMore(recordBytes: header.recordBytes)
                }
                guard header.isIntact(at: base + position, salt: salt) else { return .invalid }
                (target + count).initialize(
                    to: RecordEntry(
                        sequenceNumber: SequenceNumber(high: 0, middle: numbers, low: header.counter),
                        arrival: Timestamp(milliseconds: header.arrival),
                        offset: UInt32(position + RecordHeader.byteCount),
                        keyBytes: header.keyBytes,
                        payloadBytes: UInt32(header.dataBytes) - UInt32(header.keyBytes)
                    )
                )
                count += 1
                dataBytes += header.dataBytes
                position += header.recordBytes
            }
            return .limit
        }
    }
}
