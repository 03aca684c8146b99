/// Where some records of a segment lie: about one for each 64 KiB, in order.
struct SparseIndex: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let counter: UInt64
        let arrival: Int64
        /// Where the record begins in the segment file.
        let offset: Int
    }

    static let spacingBytes = 64 << 10

    private(set) var entries: [Entry]

    init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// Takes the record into the index unless the one before is near enough.
    mutating func add(_ entry: Entry) {
        if let last = entries.last, entry.offset - last.offset < Self.spacingBytes { return }
        entries.append(entry)
    }

    /// Where to begin looking for the first record with this counter or a larger one.
    func offset(before counter: UInt64) -> Int {
        start { $0.counter <= counter }
    }

    /// Where to begin looking for the first record that arrived at this time or later.
    func offset(beforeArrival arrival: Int64) -> Int {
        start { $0.arrival < arrival }
    }

    private func start(where isBefore: (Entry) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? SegmentHeader.byteCount : entries[low - 1].offset
    }
}
