/// Reads all records of a segment from some point on, to learn where it ends.
struct SegmentScan {
    enum Tail: Equatable {
        case whole
        /// From here on the last write is incomplete: nothing behind was ever acknowledged as synced.
        case torn(at: Int)
        /// A record that was synced is unreadable now.
        case damaged(at: Int)
    }

    /// Up to the first invalid record.
    private(set) var summary: SegmentSummary
    private(set) var tail = Tail.whole
    /// The largest counter and arrival seen, also behind an invalid record.
    private(set) var newestCounter: UInt64
    private(set) var newestArrival: Int64

    /// How far a record behind a hole may be ahead of the clock and of the records before: clocks are set back now and then.
    private static let plausibleLeadMilliseconds: Int64 = 3_600_000

    /// - Parameters:
    ///   - summary: What is known already; the scan goes on at its end.
    ///   - now: The wall clock.
    init(of file: SegmentFile, continuing summary: SegmentSummary, to end: Int, now: Int64) throws {
        self.summary = summary
        newestCounter = summary.lastCounter
        newestArrival = summary.lastArrival
        var walker = RecordWalker(file: file, from: summary.end, to: end)
        while true {
            switch try walker.next() {
            case .record(let record, let offset):
                self.summary.add(record, at: offset)
                newestCounter = record.counter
                newestArrival = record.arrival
            case .invalid:
                tail = .torn(at: walker.offset)
                try judge(&walker, hole: walker.offset, now: now)
                return
            case .end:
                return
            }
        }
    }

    /// Looks behind the hole for a record that was written after the hole had been synced.
    ///
    /// A payload may hold bytes that look like a record. One is believed only when it says nothing of what lies behind it
    /// and did not arrive in the future.
    private mutating func judge(_ walker: inout RecordWalker, hole: Int, now: Int64) throws {
        let lead = Self.plausibleLeadMilliseconds
        let latest = min(max(now, newestArrival), Int64.max - lead) + lead
        while newestArrival <= latest,
            try walker.skipToIntact(after: newestCounter, arrivals: newestArrival...latest)
        {
            while case .record(let record, let offset) = try walker.next() {
                guard record.durableEnd <= offset, record.arrival <= latest else { continue }
                newestCounter = max(newestCounter, record.counter)
                newestArrival = max(newestArrival, record.arrival)
                if record.durableEnd > hole { tail = .damaged(at: hole) }
            }
        }
    }
}
