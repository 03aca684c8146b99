package import Logging
package import StreamCore

/// Takes one batch to its end: invokes the function until every record of it is done or given up.
///
/// Whatever an invocation comes to is stored before the next: a crash in between repeats one invocation, never two.
package final class Delivery: Sendable {
    package let function: InvokedFunction
    package let limits: RetryLimits
    package let retry: RetryPolicy
    package let clock: any Clock<Duration>
    /// The wall clock, by which records and windows age.
    package let now: @Sendable () -> Timestamp
    package let ledger: ShardLedger
    /// The lane whose batches it delivers; 0 when the shard has one.
    package let lane: Int
    package let status: ShardStatus
    package let logger: Logger

    package init(
        function: InvokedFunction,
        limits: RetryLimits = RetryLimits(),
        retry: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp,
        ledger: ShardLedger,
        lane: Int = 0,
        status: ShardStatus,
        logger: Logger
    ) {
        self.function = function
        self.limits = limits
        self.retry = retry
        self.clock = clock
        self.now = now
        self.ledger = ledger
        self.lane = lane
        self.status = status
        self.logger = logger
    }

    package enum End: Hashable, Sendable {
        case done
        /// Draining was requested between two attempts; what is not done stays behind the checkpoint.
        case drained
    }

    /// - Parameters:
    ///   - readUpTo: Nothing follows the batch up to this record: with the batch it is done as well.
    ///   - bounds: The tumbling window that the records belong to.
    /// - Throws: `LeaseLost` or `CancellationError` when the shard is another worker's: what the function
    ///   answered is then dropped, and the new owner delivers the batch again.
    package func deliver(
        _ batch: RecordSelection,
        readUpTo: SequenceNumber? = nil,
        bounds: TumblingWindow.Bounds? = nil
    ) async throws -> End {
        var split = BatchSplit(batch, resuming: ledger.retries(of: lane))
        var refusals = 0
        while let piece = split.first, let last = piece.records.last {
            if limits.recordAgeMilliseconds != nil, try await giveUpExpired(&split, readUpTo) { continue }
            let records = piece.records
            status.noteInvocation(of: records.count, lane: lane)
            let attempt = await function.invoke(records, window: bounds.map(makeWindow))
            try Task.checkCancellation()

            let delay: Duration
            switch attempt.verdict(on: records) {
            case .done(let state):
                let end = split.count == 1 ? readUpTo ?? last.sequenceNumber : last.sequenceNumber
                split.finishFirst()
                refusals = 0
                let step = makeStep(end, split, bounds, state)
                status.noteDone(records.count, upTo: try await ledger.commit(step, lane: lane))
                if case .set(let window?) = step.window, window.endsEarly {
                    guard try await close(window) == .done else { return .drained }
                }
                continue
            case .doneBefore(let doneCount, let state):
                // What is left is a batch of its own, with a fresh count: this attempt was the wider batch's.
                split.finish(doneCount, at: now())
                let step = makeStep(records[doneCount - 1].sequenceNumber, split, bounds, state)
                status.noteDone(doneCount, upTo: try await ledger.commit(step, lane: lane))
                let number = records[doneCount].sequenceNumber
                delay = noteFailure("the function named \(number) as failed", split, .split(at: doneCount))
                if case .set(let window?) = step.window, window.endsEarly {
                    guard try await close(window) == .done else { return .drained }
                }
            case .failed(let failure):
                split.noteFailure(at: now())
                let attempts = split.first?.attempts ?? 1
                let step = limits.step(
                    // The parts of one aggregate are one record: they cannot be split.
                    afterFailureOf: records.isOneRecord ? 1 : records.count,
                    attempts: attempts,
                    isTooLarge: failure.isTooLarge
                )
                if case .giveUp(let condition) = step {
                    _ = noteFailure(failure.reason, split, step)
                    let end = split.count == 1 ? readUpTo ?? last.sequenceNumber : last.sequenceNumber
                    split.finishFirst()
                    let failed = attempt.makeFailure(condition, records, failure, attempts, at: now())
                    try await giveUp(failed, upTo: end, split)
                    continue
                }
                if case .split(let place) = step { split.splitFirst(at: place) }
                delay = noteFailure(failure.reason, split, step)
                try await ledger.commit(DeliveryStep(retries: split.progress(lane: lane)), lane: lane)
                // The halves of what was too large have not been tried yet.
                if failure.isTooLarge { continue }
            case .notInvoked(let unavailable):
                refusals += 1
                delay = RetryPolicy.refused.delay(afterFailures: refusals, jitter: .random(in: 0...1))
                status.note(.waitingForFunction(reason: unavailable.reason), lane: lane)
            }
            guard try await pause(delay) else { return .drained }
        }
        return .done
    }

    /// - Returns: `false` when draining was requested first.
    func pause(_ delay: Duration) async throws -> Bool {
        let slept: Void? = try await ledger.drain.interruptible { [clock] in
            try await clock.sleep(for: delay)
        }
        return slept != nil
    }

    private func makeStep(
        _ done: SequenceNumber,
        _ split: BatchSplit,
        _ bounds: TumblingWindow.Bounds?,
        _ state: [UInt8]?
    ) -> DeliveryStep {
        var step = DeliveryStep(done: done, retries: split.progress(lane: lane))
        if let bounds, let state {
            step.window = .set(WindowProgress(start: bounds.start, end: bounds.end, state: state))
        }
        return step
    }

    private func makeWindow(_ bounds: TumblingWindow.Bounds) -> WindowContext {
        let state = ledger.window.flatMap { $0.bounds == bounds ? $0.state : nil }
        return WindowContext(
            start: bounds.start,
            end: bounds.end,
            state: state ?? TumblingWindow.emptyState
        )
    }

    func noteFailure(_ error: String, _ split: BatchSplit, _ step: RetryLimits.Step) -> Duration {
        let failures = max(1, split.first?.attempts ?? 1)
        let delay = retry.delay(afterFailures: failures, jitter: .random(in: 0...1))
        let count = split.first?.records.count ?? 0
        switch step {
        case .split where count > 0:
            status.noteFailure(of: count, error, lane: lane)
            status.note(.bisecting(pieces: split.count, error: error, delay: delay), lane: lane)
        default:
            status.noteFailure(of: count, error, lane: lane)
            let retrying = ShardReport.Activity.retrying(
                failures: failures,
                of: limits.retries,
                error: error,
                delay: delay
            )
            status.note(retrying, lane: lane)
        }
        logger.warning(
            "batch failed",
            metadata: [
                "first": "\(split.first?.records.first?.sequenceNumber.description ?? "")",
                "records": "\(count)", "pieces": "\(split.count)", "failures": "\(failures)",
                "delay": "\(delay.formatted())", "error": "\(error)",
            ]
        )
        return delay
    }
}
