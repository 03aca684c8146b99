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

    /// - Parameter summary: What is known already; the scan goes on at its end.
    init(of file: SegmentFile, continuing summary: SegmentSummary, to end: Int) throws {
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
                try judge(&walker, hole: walker.offset)
                return
            case .end:
                return
            }
        }
    }

    /// Looks behind the hole for a record that was written after the hole had been synced.
    private mutating func judge(_ walker: inout RecordWalker, hole: Int) throws {
        while try walker.skipToIntact(after: newestCounter, arrival: newestArrival) {
            while case .record(let record, _) = try walker.next() {
                newestCounter = max(newestCounter, record.counter)
                newestArrival = max(newestArrival, record.arrival)
                if record.durableEnd > hole { tail = .damaged(at: hole) }
            }
        }
    }
}
