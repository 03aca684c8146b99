import StreamCore
import Synchronization

extension ShardLog {
    /// The shard as readers may see it at one moment.
    private struct View {
        let segments: [Segment]
        /// Set when the last segment is the active one.
        let active: ActivePart?
        let visibleCounter: UInt64
        let visibleArrival: Int64
        let isEnded: Bool
    }

    private struct ActivePart {
        let end: Int
        let searchStart: Int
        let averageRecordBytes: Int
    }

    /// The cursor that stands for a position; touches no file.
    ///
    /// A number that this shard never issued belongs to a former stream of the same name, whose checkpoints say nothing
    /// about this one: reading begins at the oldest record.
    func cursor(at position: Position) -> ReadCursor {
        switch position {
        case .trimHorizon: ReadCursor(next: numbers.number(1))
        case .latest: ReadCursor(next: newestNumber.successor)
        case .atTimestamp(let time): ReadCursor(next: numbers.number(1), notBefore: time)
        case .atSequenceNumber(let number):
            ReadCursor(next: numbers.counter(of: number) == nil ? numbers.number(1) : number)
        case .afterSequenceNumber(let number):
            ReadCursor(next: numbers.counter(of: number) == nil ? numbers.number(1) : number.successor)
        }
    }

    /// The records from the cursor on, without waiting.
    ///
    /// Blocks while the disk is read.
    ///
    /// - Throws: `LogCorrupted` or `LogFileFailure`; reading again goes on at the same record.
    func read(_ cursor: ReadCursor, limits: RecordRun.Limits) throws -> CursorRead {
        while true {
            let view = try view(for: cursor)
            do {
                return try read(cursor, limits: limits, from: view)
            } catch let failure as LogFileFailure where failure.errno == SystemFiles.noSuchFile {
                // The segment expired between looking and opening; the shard lists it no more.
                let oldest = state.withLock { $0.segments.first?.baseCounter }
                guard oldest != view.segments.first?.baseCounter else { throw failure }
            }
        }
    }

    /// Whether retention has removed records that a reader with this cursor still had before it.
    ///
    /// Not so where it begins with the oldest record, whichever that is, or at a time.
    func hasExpired(_ cursor: ReadCursor) -> Bool {
        guard cursor.notBefore == nil, let counter = numbers.counter(of: cursor.next), counter > 1,
            let oldest = state.withLock({ $0.segments.first?.baseCounter }), counter < oldest
        else { return false }
        // Numbers that a recovery skipped never had records.
        return (oldest - counter) % Self.counterJump != 0
    }

    private func counter(of cursor: ReadCursor) -> UInt64 { numbers.counter(of: cursor.next) ?? 1 }

    private func view(for cursor: ReadCursor) throws -> View {
        try state.withLock { state in
            if let fault = state.fault { throw fault }
            let active = state.active.map { active in
                let summary = active.summary
                let byTime = cursor.notBefore.map { summary.index.offset(beforeArrival: $0.milliseconds) }
                return ActivePart(
                    end: summary.end,
                    searchStart: max(summary.index.offset(before: counter(of: cursor)), byTime ?? 0),
                    averageRecordBytes: summary.averageRecordBytes
                )
            }
            return View(
                segments: state.segments,
                active: active,
                visibleCounter: state.visibleCounter,
                visibleArrival: state.visibleArrival,
                isEnded: state.admission == .ended
            )
        }
    }

    private func read(_ cursor: ReadCursor, limits: RecordRun.Limits, from view: View) throws -> CursorRead {
        let counter = counter(of: cursor)
        guard counter <= view.visibleCounter else { return nothing(at: cursor, view) }
        var position = try firstSegment(for: cursor, counter: counter, in: view.segments)
        while position < view.segments.count {
            let file = try environment.cache.file(for: view.segments[position])
            let active = position == view.segments.count - 1 ? view.active : nil
            if let run = try run(of: file, active: active, cursor: cursor, limits: limits),
                let last = run.batch.last
            {
                return CursorRead(
                    result: ReadResult(
                        batch: run.batch,
                        millisBehindLatest: max(0, view.visibleArrival - last.arrival.milliseconds),
                        isEnd: view.isEnded && last.sequenceNumber.low >= view.visibleCounter
                    ),
                    next: ReadCursor(
                        next: last.sequenceNumber.successor,
                        hint: ReadCursor.Hint(
                            segment: file.segment.baseCounter,
                            offset: UInt32(run.endOffset)
                        )
                    )
                )
            }
            position += 1
        }
        // Everything up to the tip has expired, or arrived too early.
        return nothing(
            at: ReadCursor(next: numbers.number(view.visibleCounter + 1), notBefore: cursor.notBefore),
            view
        )
    }

    private func nothing(at cursor: ReadCursor, _ view: View) -> CursorRead {
        CursorRead(
            result: ReadResult(batch: .empty, millisBehindLatest: 0, isEnd: view.isEnded),
            next: cursor
        )
    }

    /// The segment in which to begin looking.
    private func firstSegment(for cursor: ReadCursor, counter: UInt64, in segments: [Segment]) throws -> Int {
        let byCounter = lastIndex(in: segments) { $0.baseCounter <= counter }
        guard let time = cursor.notBefore?.milliseconds else { return byCounter }
        let byTime = try lastIndex(in: segments) {
            try environment.cache.file(for: $0).header.createdMilliseconds < time
        }
        return max(byCounter, byTime)
    }

    /// The last segment for which `isBefore` holds, or the first of all.
    private func lastIndex(in segments: [Segment], _ isBefore: (Segment) throws -> Bool) rethrows -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if try isBefore(segments[middle]) { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    /// The records of one segment from the cursor on; `nil` when it has none.
    private func run(
        of file: SegmentFile,
        active: ActivePart?,
        cursor: ReadCursor,
        limits: RecordRun.Limits
    ) throws -> RecordRun? {
        let end = try active?.end ?? file.size()
        let average = try active?.averageRecordBytes ?? file.summary().averageRecordBytes
        if let run = try hintedRun(of: file, end: end, cursor: cursor, limits: limits, average: average) {
            return run
        }

        let start = try active?.searchStart ?? searchStart(in: file.summary().index, cursor)
        guard let first = try offset(of: cursor, in: file, from: start, to: end) else { return nil }
        return try RecordRun(of: file, from: first, to: end, limits: limits, averageRecordBytes: average)
    }

    private func hintedRun(
        of file: SegmentFile,
        end: Int,
        cursor: ReadCursor,
        limits: RecordRun.Limits,
        average: Int
    ) throws -> RecordRun? {
        guard let hint = cursor.hint, cursor.notBefore == nil, hint.segment == file.segment.baseCounter,
            (SegmentHeader.byteCount..<end).contains(Int(hint.offset))
        else { return nil }
        do {
            let run = try RecordRun(
                of: file,
                from: Int(hint.offset),
                to: end,
                limits: limits,
                averageRecordBytes: average
            )
            // A record that directly follows proves the hint; anything else is looked up.
            return run.batch.first?.sequenceNumber == cursor.next ? run : nil
        } catch is LogCorrupted {
            return nil
        }
    }

    private func searchStart(in index: SparseIndex, _ cursor: ReadCursor) -> Int {
        let byTime = cursor.notBefore.map { index.offset(beforeArrival: $0.milliseconds) }
        return max(index.offset(before: counter(of: cursor)), byTime ?? 0)
    }

    /// Where the cursor's first record begins; `nil` when it is not in the segment.
    private func offset(of cursor: ReadCursor, in file: SegmentFile, from start: Int, to end: Int) throws
        -> Int?
    {
        let counter = counter(of: cursor)
        let time = cursor.notBefore?.milliseconds ?? .min
        var walker = RecordWalker(file: file, from: start, to: end)
        while true {
            switch try walker.next() {
            case .record(let record, let offset):
                if record.counter >= counter, record.arrival >= time { return offset }
            case .invalid: throw LogCorrupted(file: file.path, offset: walker.offset)
            case .end: return nil
            }
        }
    }
}

// MARK: - Waiting

extension ShardLog {
    /// Calls `action` once a record with this number or a larger one may be read, or the shard has ended.
    ///
    /// - Returns: What `forget` takes; `nil` when it is so already.
    func watch(for number: SequenceNumber, _ action: @escaping @Sendable () -> Void) -> Int? {
        let counter = numbers.counter(of: number) ?? 1
        return state.withLock { state in
            let isOver = state.admission == .ended || state.fault != nil
            guard !isOver, state.visibleCounter < counter else { return nil }
            return state.watchers.add(action, wanted: counter)
        }
    }

    func forget(_ watch: Int) {
        state.withLock { $0.watchers.remove(watch) }
    }
}
