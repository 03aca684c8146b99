import Logging
package import StreamCore

// The end of a tumbling window.
extension Delivery {
    /// Invokes the function a last time in a window whose records are all done, and drops the state then.
    ///
    /// The shard stands until it has succeeded, or the mapping's limits give it up.
    package func close(_ window: WindowProgress) async throws -> End {
        // With every record done, what is stored as begun can only be the final invocation.
        let begun =
            window.awaitsFinal ? ledger.retries(of: lane).first { .at($0.last) <= ledger.checkpoint } : nil
        var attempts = begun?.attempts ?? 0
        let firstFailure = begun?.firstFailure
        var refusals = 0
        let context = WindowContext(
            start: window.start,
            end: window.end,
            state: window.state,
            isFinal: true,
            isTerminatedEarly: window.endsEarly
        )
        while true {
            if limits.isExpired(window.end, at: now()) {
                let failure = makeFailure(
                    .recordAgeExceeded,
                    context,
                    attempts: max(1, attempts),
                    attempt: nil,
                    nil
                )
                return try await drop(failure)
            }
            status.noteInvocation(of: 0, lane: lane)
            let attempt = await function.invoke(RecordBatch.empty.all, window: context)
            try Task.checkCancellation()

            let delay: Duration
            switch attempt.verdict(on: RecordBatch.empty.all) {
            case .done, .doneBefore:
                return try await drop(nil)
            case .failed(let failure):
                attempts += 1
                var step = limits.step(
                    afterFailureOf: 1,
                    attempts: attempts,
                    isTooLarge: failure.isTooLarge
                )
                if case .split = step { step = .retry }
                delay = noteWindowFailure(failure.reason, attempts: attempts)
                if case .giveUp(let condition) = step {
                    return try await drop(
                        makeFailure(condition, context, attempts: attempts, attempt: attempt, failure)
                    )
                }
                try await storeFailure(window, attempts: attempts, since: firstFailure ?? now())
            case .notInvoked(let unavailable):
                refusals += 1
                delay = RetryPolicy.refused.delay(afterFailures: refusals, jitter: .random(in: 0...1))
                status.note(.waitingForFunction(reason: unavailable.reason), lane: lane)
            }
            guard try await pause(delay) else { return .drained }
        }
    }

    private func drop(_ failure: BatchFailure?) async throws -> End {
        let kept = retriesBehindWindow
        let step = DeliveryStep(
            retries: kept,
            failures: failure.map { [$0] } ?? [],
            window: .set(nil)
        )
        let checkpoint = try await ledger.commit(step, lane: lane)
        if let failure {
            noteGivenUp(failure, upTo: checkpoint)
        } else {
            status.noteDone(0, upTo: checkpoint)
        }
        return .done
    }

    private func storeFailure(
        _ window: WindowProgress,
        attempts: Int,
        since firstFailure: Timestamp
    ) async throws {
        var awaiting = window
        awaiting.awaitsFinal = true
        let place = lastDone
        let progress = BatchProgress(
            first: place,
            last: place,
            lane: lane,
            attempts: attempts,
            firstFailure: firstFailure
        )
        try await ledger.commit(
            DeliveryStep(retries: [progress] + retriesBehindWindow, window: .set(awaiting)),
            lane: lane
        )
    }

    /// Pieces of a batch in the middle of which the state has grown too large.
    private var retriesBehindWindow: [BatchProgress] {
        ledger.retries(of: lane).filter { .at($0.last) > ledger.checkpoint }
    }

    private func noteWindowFailure(_ error: String, attempts: Int) -> Duration {
        let delay = retry.delay(afterFailures: attempts, jitter: .random(in: 0...1))
        status.noteFailure(of: 0, error, lane: lane)
        status.note(
            .retrying(failures: attempts, of: limits.retries, error: error, delay: delay),
            lane: lane
        )
        logger.warning(
            "final invocation of a window failed",
            metadata: ["failures": "\(attempts)", "delay": "\(delay.formatted())", "error": "\(error)"]
        )
        return delay
    }

    private func makeFailure(
        _ condition: BatchFailure.Condition,
        _ context: WindowContext,
        attempts: Int,
        attempt: Attempt?,
        _ reason: Verdict.Failure?
    ) -> BatchFailure {
        let failure = function.makeFailure(
            condition,
            of: RecordBatch.empty.all,
            window: context,
            invokeCount: attempts,
            at: now(),
            attempt: attempt,
            reason
        )
        // There are no records: it stands behind the last that went into the state.
        return failure.placed(at: lastDone, arrival: context.end)
    }

    private var lastDone: SequenceNumber {
        guard case .at(let number) = ledger.checkpoint else { return .zero }
        return number
    }
}
