import Synchronization

/// One segment file of a shard, by name; `SegmentFileCache` opens it.
final class Segment: Sendable {
    let path: String
    /// No record of the segment has a smaller counter, and every record of the segments before has.
    let baseCounter: UInt64
    /// The prefix of the shard's sequence numbers.
    let numbers: UInt64

    private let knownNewestArrival = Mutex<Int64?>(nil)

    init(directory: String, baseCounter: UInt64, numbers: UInt64) {
        let digits = String(baseCounter)
        let name = String(repeating: "0", count: 20 - digits.count) + digits
        path = "\(directory)/\(name)\(Self.suffix)"
        self.baseCounter = baseCounter
        self.numbers = numbers
    }

    static let suffix = ".log"

    /// The file that keeps the segment's summary.
    var summaryPath: String { path.dropLast(Self.suffix.count) + ".index" }

    /// - Returns: `nil` for a file that is not a segment.
    static func baseCounter(fileName: String) -> UInt64? {
        guard fileName.count == 20 + suffix.count, fileName.hasSuffix(suffix) else { return nil }
        return UInt64(fileName.dropLast(suffix.count))
    }

    /// When the newest record of this complete segment arrived.
    ///
    /// Read from disk once.
    func newestArrival(_ cache: SegmentFileCache) throws -> Int64 {
        if let known = knownNewestArrival.withLock(\.self) { return known }
        let arrival = try cache.file(for: self).summary().lastArrival
        knownNewestArrival.withLock { $0 = arrival }
        return arrival
    }
}
