package import StreamCore

/// What one read of a shard gave, after the filter.
package struct ShardReading: Sendable {
    /// The records that pass.
    package var batch: RecordBatch
    /// The last record that was read, passing or not; `nil` when none was.
    package var readUpTo: SequenceNumber?
    /// How many were read.
    package var readCount: Int
    /// There was nothing more to read.
    package var isTipReached: Bool
    package var isEnd: Bool

    package init(
        batch: RecordBatch,
        readUpTo: SequenceNumber?,
        readCount: Int,
        isTipReached: Bool,
        isEnd: Bool
    ) {
        self.batch = batch
        self.readUpTo = readUpTo
        self.readCount = readCount
        self.isTipReached = isTipReached
        self.isEnd = isEnd
    }

    package init(_ result: ReadResult) {
        self.init(
            batch: result.batch,
            readUpTo: result.batch.last?.sequenceNumber,
            readCount: result.batch.count,
            isTipReached: result.batch.isEmpty || result.millisBehindLatest == 0,
            isEnd: result.isEnd
        )
    }

    /// Drops what does not pass, with its bytes: of a large read that mostly does not pass little is kept.
    package init(_ result: ReadResult, passing filter: RecordFilter?) {
        self.init(result)
        guard let filter else { return }
        let selected = filter.select(batch.all)
        if selected.count < batch.count { batch = selected.compacted() }
    }

    package var filteredOut: Int { readCount - batch.count }

    /// Cuts it behind a record: what comes later is taken out and returned.
    package mutating func removeAll(after number: SequenceNumber) -> ShardReading {
        var later = self
        let place = batch.all.position(of: number.successor)
        later.batch = batch.all.dropFirst(place).compacted()
        later.readCount = later.batch.count
        readCount -= later.readCount
        batch = batch.all.prefix(place).compacted()
        readUpTo = min(number, readUpTo ?? number)
        (isTipReached, isEnd) = (true, false)
        return later
    }
}
