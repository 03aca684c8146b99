import Synchronization

/// An open segment file, closed when nobody uses it any more.
final class SegmentFile: Sendable {
    let segment: Segment
    let header: SegmentHeader
    let descriptor: Int32
    private let loadedSummary = Mutex<SegmentSummary?>(nil)

    private init(segment: Segment, header: SegmentHeader, descriptor: Int32) {
        self.segment = segment
        self.header = header
        self.descriptor = descriptor
    }

    deinit {
        SystemFiles.close(descriptor)
    }

    var path: String { segment.path }

    /// - Throws: `LogCorrupted` when the header is not that of this segment.
    static func open(_ segment: Segment) throws -> SegmentFile {
        let descriptor = try SystemFiles.open(segment.path)
        do {
            let bytes = try [UInt8](unsafeUninitializedCapacity: SegmentHeader.byteCount) { buffer, count in
                count = try SystemFiles.read(
                    descriptor,
                    into: UnsafeMutableRawBufferPointer(buffer),
                    at: 0,
                    path: segment.path
                )
            }
            guard let header = bytes.withUnsafeBytes({ SegmentHeader($0) }),
                header.baseCounter == segment.baseCounter, header.numbers == segment.numbers
            else { throw LogCorrupted(file: segment.path, offset: 0) }
            return SegmentFile(segment: segment, header: header, descriptor: descriptor)
        } catch {
            SystemFiles.close(descriptor)
            throw error
        }
    }

    /// Makes the file with its header, synced, and removes it again when that fails.
    static func create(_ segment: Segment, createdMilliseconds: Int64, files: FileOperations) throws
        -> SegmentFile
    {
        let header = SegmentHeader(
            numbers: segment.numbers,
            baseCounter: segment.baseCounter,
            createdMilliseconds: createdMilliseconds,
            salt: UInt32.random(in: 1...UInt32.max)
        )
        let descriptor = try SystemFiles.open(segment.path, creating: true)
        do {
            try header.bytes.withUnsafeBytes { try files.write(descriptor, [$0], 0, segment.path) }
            try files.sync(descriptor, segment.path)
            return SegmentFile(segment: segment, header: header, descriptor: descriptor)
        } catch {
            SystemFiles.close(descriptor)
            try? SystemFiles.remove(segment.path)
            throw error
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogFileFailure) -> Int {
        try SystemFiles.read(descriptor, into: buffer, at: offset, path: path)
    }

    func size() throws(LogFileFailure) -> Int { try SystemFiles.size(descriptor, path: path) }

    func truncate(to length: Int) throws(LogFileFailure) {
        try SystemFiles.truncate(descriptor, to: length, path: path)
    }

    /// What the segment holds; only for one that is complete.
    ///
    /// Read from the summary file, and from the records where that is missing. Reaches up to the first damaged record.
    func summary() throws -> SegmentSummary {
        if let loaded = loadedSummary.withLock(\.self) { return loaded }
        let size = try size()
        var summary = storedSummary(notBeyond: size) ?? SegmentSummary(emptyAfter: header)
        if summary.end < size {
            // The clock matters to what lies behind damage, which is of no interest here.
            let scan = try SegmentScan(of: self, continuing: summary, to: size, now: 0)
            summary = scan.summary
            // A summary that cannot be kept costs the next reader a scan, no more.
            if scan.tail == .whole { try? store(summary) }
        }
        loadedSummary.withLock { $0 = summary }
        return summary
    }

    /// The summary kept beside the segment; `nil` when there is none that fits.
    func storedSummary(notBeyond size: Int = .max) -> SegmentSummary? {
        guard let bytes = try? SystemFiles.contents(of: segment.summaryPath),
            let summary = SegmentSummary(bytes, baseCounter: segment.baseCounter), summary.end <= size
        else { return nil }
        return summary
    }

    /// Keeps the summary beside the segment.
    ///
    /// Not synced: its checksum tells whether it is whole.
    func store(_ summary: SegmentSummary) throws {
        try SystemFiles.replaceContents(
            of: segment.summaryPath,
            with: summary.bytes(baseCounter: segment.baseCounter),
            isSynced: false
        )
    }
}
