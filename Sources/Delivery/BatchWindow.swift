package import StreamCore

/// Gathers what was read into batches: each is sent when it is full, when its window is over, or at the
/// shard's end.
///
/// A value without a clock: `now` is the time since any fixed moment. A window opens when the invocation
/// before it has ended, and again when it is over without a record.
package struct BatchWindow: Sendable {
    package let limits: BatchLimits

    /// Records that were read and not yet taken start at `start`.
    private var pending = RecordBatch.empty
    private var start = 0
    private var openedAt: Duration
    /// Nothing was left to read when last asked.
    package private(set) var isTipReached = true
    private var isShardEnd = false

    package init(_ limits: BatchLimits, now: Duration) {
        self.limits = limits
        openedAt = now
    }

    /// Nothing is gathered.
    package var isEmpty: Bool { start == pending.count }

    /// The oldest record that was read and not yet taken.
    package var firstPending: RecordEntry? { isEmpty ? nil : pending.entries[start] }

    /// The shard has ended and every record of it was taken.
    package var isFinished: Bool { isShardEnd && isEmpty }

    /// How many records to ask for: what a large batch still lacks, so that nothing of it is copied twice; small
    /// batches are cut from a larger read.
    package var readRecords: Int {
        limits.records < 1000 ? 1000 : max(1, limits.records - (pending.count - start))
    }

    /// How many bytes to ask for: no more than one batch could send, so that memory is bounded by the batch.
    package var readBytes: Int { limits.eventBytes }

    /// How long a read may wait for records.
    ///
    /// - Parameter longest: While nothing is gathered and no window runs.
    package func readWait(now: Duration, longest: Duration) -> Duration {
        let left = openedAt + limits.window - now
        if isEmpty { return limits.window == .zero ? longest : max(.milliseconds(1), left) }
        return isTipReached ? max(.zero, left) : .zero
    }

    package mutating func add(_ result: ReadResult) {
        if !result.batch.isEmpty {
            if isEmpty {
                pending = result.batch
            } else {
                if start > 0 { pending = rest.compacted() }
                pending.append(result.batch)
            }
            start = 0
        }
        isTipReached = result.batch.isEmpty || result.millisBehindLatest == 0
        isShardEnd = result.isEnd
    }

    /// The next batch, once it is to be sent; `nil` while more records may join it.
    package mutating func take(now: Duration) -> RecordSelection? {
        let isOver = now - openedAt >= limits.window
        if isEmpty {
            if isOver { openedAt = now }
            return nil
        }
        let length = fullLength()
        let isFull = start + length < pending.count || length == limits.records
        guard isFull || isShardEnd || (isOver && isTipReached) else { return nil }
        defer { start += length }
        return RecordSelection(batch: pending, indices: .range(start..<start + length))
    }

    /// Tells that the batch taken last has been dealt with.
    package mutating func reopen(now: Duration) {
        openedAt = now
        if isEmpty {
            // The bytes are free as soon as they are done, not when the next record comes.
            pending = .empty
            start = 0
        }
    }

    private var rest: RecordSelection {
        RecordSelection(batch: pending, indices: .range(start..<pending.count))
    }

    /// How many of the gathered records one batch may hold; at least one, however large it is.
    private func fullLength() -> Int {
        let most = min(limits.records, pending.count - start)
        var bytes = 0
        return pending.entries.withUnsafeBufferPointer { entries in
            for length in 0..<most {
                bytes += BatchLimits.eventBytes(of: entries[start + length])
                if bytes > limits.eventBytes, length > 0 { return length }
            }
            return most
        }
    }
}
