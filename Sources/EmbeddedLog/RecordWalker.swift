/// Goes through the records of a segment one after the other, checking each, through a sliding window.
///
/// For scans and searches; reading batches has its own loop in `RecordRun`.
struct RecordWalker {
    enum Step {
        case record(RecordHeader, offset: Int)
        /// The bytes at the walker's offset are no intact record.
        case invalid
        case end
    }

    private static let windowBytes = 256 << 10

    private let file: SegmentFile
    private let end: Int
    private(set) var offset: Int
    private var window: [UInt8] = []
    private var windowStart = 0

    init(file: SegmentFile, from offset: Int, to end: Int) {
        self.file = file
        self.offset = offset
        self.end = end
    }

    mutating func next() throws -> Step {
        guard offset < end else { return .end }
        guard let header = try header(), try isIntact(header) else { return .invalid }
        let start = offset
        offset += header.recordBytes
        return .record(header, offset: start)
    }

    /// Moves from an invalid place to the next intact record that may follow `counter` and arrived in time.
    ///
    /// - Returns: `false` when there is none up to the end.
    mutating func skipToIntact(after counter: UInt64, arrivals: ClosedRange<Int64>) throws -> Bool {
        // Far more numbers than any restart skips.
        let plausible: UInt64 = 1 << 40
        while offset + RecordHeader.byteCount < end {
            offset += 1
            guard let header = try header(), header.counter > counter, header.counter - counter < plausible,
                arrivals.contains(header.arrival), header.durableEnd <= offset, try isIntact(header)
            else { continue }
            return true
        }
        return false
    }

    private mutating func header() throws -> RecordHeader? {
        guard try fill(RecordHeader.byteCount) else { return nil }
        return window.withUnsafeBytes { bytes in
            bytes.baseAddress.map { RecordHeader(at: $0 + (offset - windowStart)) }
        }
    }

    private mutating func isIntact(_ header: RecordHeader) throws -> Bool {
        guard header.recordBytes <= end - offset, try fill(header.recordBytes) else { return false }
        return window.withUnsafeBytes { bytes in
            bytes.baseAddress.map { header.isIntact(at: $0 + (offset - windowStart), salt: file.header.salt) }
                ?? false
        }
    }

    /// Brings `count` bytes from `offset` on into the window.
    private mutating func fill(_ count: Int) throws -> Bool {
        if offset + count <= windowStart + window.count { return true }
        guard offset + count <= end else { return false }
        var bytes = [UInt8](repeating: 0, count: min(max(count, Self.windowBytes), end - offset))
        let filled = try bytes.withUnsafeMutableBytes { buffer in
            try file.read(into: buffer, at: offset)
        }
        bytes.removeLast(bytes.count - filled)
        window = bytes
        windowStart = offset
        return filled >= count
    }
}
