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
    /// The last record of a batch that an earlier worker had begun: what was one batch stays one.
    private var resumeEnd: SequenceNumber?
    private let tumbling: TumblingWindow?
    /// The last record that was read, whether it passed the filter or not.
    package private(set) var readUpTo: SequenceNumber?
    /// The tumbling window of the batch taken last; a batch never crosses its end.
    package var bounds: TumblingWindow.Bounds?

    /// - Parameter resumeEnd: The first batch holds every record up to and including this one.
    package init(
        _ limits: BatchLimits,
        now: Duration,
        resumeEnd: SequenceNumber? = nil,
        tumbling: TumblingWindow? = nil,
        bounds: TumblingWindow.Bounds? = nil
    ) {
        self.limits = limits
        self.resumeEnd = resumeEnd
        self.tumbling = tumbling
        self.bounds = bounds
        openedAt = now
    }

    /// Nothing is gathered.
    package var isEmpty: Bool { start == pending.count }

    /// The oldest record that was read and not yet taken.
    package var firstPending: RecordEntry? { isEmpty ? nil : pending.entries[start] }

    /// The shard has ended and every record of it was taken.
    package var isFinished: Bool { isShardEnd && isEmpty }

    /// How many records were read and not yet taken.
    package var pendingCount: Int { pending.count - start }

    /// The tumbling window of the oldest record that was not taken.
    package var nextBounds: TumblingWindow.Bounds? {
        guard let tumbling, let firstPending else { return nil }
        return tumbling.bounds(of: firstPending.arrival, current: bounds)
    }

    /// How many records to ask for: what a large batch still lacks, so that nothing of it is copied twice; small
    /// batches are cut from a larger read.
    package var readRecords: Int {
        // A batch that was begun may hold more than one does now.
        if limits.records < 1000 || resumeEnd != nil { return max(1000, limits.records) }
        return max(1, limits.records - (pending.count - start))
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

    /// How long it may take until what is gathered is to be sent, if nothing is added.
    package func takeWait(now: Duration, longest: Duration) -> Duration {
        let left = openedAt + limits.window - now
        return isEmpty || !isTipReached ? longest : max(.milliseconds(1), left)
    }

    package mutating func add(_ result: ReadResult) { add(ShardReading(result)) }

    package mutating func add(_ reading: ShardReading) {
        if !reading.batch.isEmpty {
            if isEmpty {
                pending = reading.batch
            } else {
                if start > 0 { pending = rest.compacted() }
                pending.append(reading.batch)
            }
            start = 0
        }
        readUpTo = reading.readUpTo ?? readUpTo
        isTipReached = reading.isTipReached
        isShardEnd = reading.isEnd
    }

    /// Nothing more is read for now: what is gathered counts as all there is.
    package mutating func flush(now: Duration) {
        isTipReached = true
        openedAt = min(openedAt, now - limits.window)
    }

    /// The next batch, once it is to be sent; `nil` while more records may join it.
    package mutating func take(now: Duration) -> RecordSelection? {
        let isOver = now - openedAt >= limits.window
        if isEmpty {
            if isOver { openedAt = now }
            return nil
        }
        let length: Int
        let isFull: Bool
        var isRestBegun = false
        if let resumeEnd {
            let begun = rest.position(of: resumeEnd.successor)
            // Windows may have another length now than when it was begun, or there were none.
            length = lengthWithinWindow(upTo: begun)
            isRestBegun = length < begun
            isFull = readUpTo.map { $0 >= resumeEnd } ?? false
        } else {
            length = rest.wholePlace(near: fullLength())
            isFull = start + length < pending.count || length >= limits.records
        }
        guard isFull || isShardEnd || (isOver && isTipReached) else { return nil }
        if !isRestBegun { resumeEnd = nil }
        // Of what was begun nothing is left: other records follow, or it no longer passes the filter.
        guard length > 0 else { return take(now: now) }
        if tumbling != nil { bounds = nextBounds }
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

    /// How many of the first records lie before the end of the tumbling window, where there is one.
    private func lengthWithinWindow(upTo most: Int) -> Int {
        guard let end = nextBounds?.end else { return most }
        return pending.entries[start..<start + most].firstIndex { $0.arrival >= end }.map { $0 - start }
            ?? most
    }

    /// How many of the gathered records one batch may hold; at least one, however large it is.
    private func fullLength() -> Int {
        let most = min(limits.records, pending.count - start)
        var bytes = 0
        let end = nextBounds?.end
        return pending.entries.withUnsafeBufferPointer { entries in
            for length in 0..<most {
                bytes += BatchLimits.eventBytes(of: entries[start + length])
                if bytes > limits.eventBytes, length > 0 { return length }
                if let end, entries[start + length].arrival >= end { return length }
            }
            return most
        }
    }
}
