package import Logging
package import StreamCore

/// Takes one batch to its end: invokes the function until every record of it is done.
///
/// A failed batch is invoked again for ever, with back-off. The checkpoint moves only behind success.
package struct Delivery: Sendable {
    package let transport: any HandlerTransport
    package let retry: RetryPolicy
    package let clock: any Clock<Duration>
    package let status: ShardStatus
    package let logger: Logger
    /// Makes the context of one attempt, under a fresh request id.
    package let makeContext: @Sendable () -> InvocationContext

    package init(
        transport: any HandlerTransport,
        retry: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration>,
        status: ShardStatus,
        logger: Logger,
        makeContext: @escaping @Sendable () -> InvocationContext
    ) {
        self.transport = transport
        self.retry = retry
        self.clock = clock
        self.status = status
        self.logger = logger
        self.makeContext = makeContext
    }

    package enum End: Hashable, Sendable {
        case done
        /// Draining was requested between two attempts; what is not done stays behind the checkpoint.
        case drained
    }

    /// - Throws: `LeaseLost` or `CancellationError` when the shard is another worker's: what the function
    ///   answered is then dropped, and the new owner delivers the batch again.
    package func deliver(_ batch: RecordSelection, of claim: ShardClaim) async throws -> End {
        var rest = batch
        var failures = 0
        var refusals = 0
        while let last = rest.last {
            status.note(.invoking(records: rest.count))
            let outcome = await transport.invoke(rest, context: makeContext())
            try Task.checkCancellation()

            let delay: Duration
            switch outcome {
            case .succeeded:
                // Checkpoint before the next invocation: a crash in between then repeats one batch, never
                // two.
                try await complete(rest, upTo: last, of: claim)
                return .done
            case .succeededBefore(let number):
                let doneCount = rest.position(of: number)
                // As Lambda does it: a number that is not in the batch says nothing about the others.
                let isKnown = doneCount < rest.count && rest[doneCount].sequenceNumber == number
                if isKnown, doneCount > 0 {
                    try await complete(rest.prefix(doneCount), upTo: rest[doneCount - 1], of: claim)
                    // What is left is a batch of its own, with a fresh count.
                    rest = rest.dropFirst(doneCount)
                    failures = 0
                }
                failures += 1
                let place = isKnown ? "" : ", which is not in the batch"
                delay = noteFailure(
                    "the function named \(number) as failed\(place)",
                    rest,
                    failures: failures
                )
            case .failed(let failure):
                failures += 1
                delay = noteFailure(failure.description, rest, failures: failures)
            case .notInvoked(let unavailable):
                refusals += 1
                delay = RetryPolicy.refused.delay(afterFailures: refusals, jitter: .random(in: 0...1))
                status.note(.waitingForFunction(reason: unavailable.reason))
            }

            let slept: Void? = try await claim.drain.interruptible { [clock] in
                try await clock.sleep(for: delay)
            }
            if slept == nil { return .drained }
        }
        return .done
    }

    private func complete(_ done: RecordSelection, upTo last: RecordEntry, of claim: ShardClaim) async throws
    {
        let checkpoint = Checkpoint.at(last.sequenceNumber)
        try await claim.checkpoint(checkpoint)
        status.update { report in
            report.checkpoint = checkpoint
            report.records += done.count
            report.batches += 1
            report.lastError = nil
        }
    }

    private func noteFailure(_ error: String, _ rest: RecordSelection, failures: Int) -> Duration {
        let delay = retry.delay(afterFailures: failures, jitter: .random(in: 0...1))
        status.update { report in
            report.failedInvocations += 1
            report.lastError = error
            report.activity = .retrying(failures: failures, error: error, delay: delay)
        }
        logger.warning(
            "batch failed and will be invoked again",
            metadata: [
                "first": "\(rest.first?.sequenceNumber.description ?? "")", "records": "\(rest.count)",
                "failures": "\(failures)", "delay": "\(delay.formatted())", "error": "\(error)",
            ]
        )
        return delay
    }
}
