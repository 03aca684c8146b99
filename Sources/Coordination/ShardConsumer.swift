import Delivery
import Logging
import StreamCore

/// Processes one claimed shard until the shard ends, the claim is drained or its task is cancelled.
struct ShardConsumer: Sendable {
    let claim: ShardClaim
    let source: any LogSource
    let limits: BatchLimits
    let delivery: Delivery
    let status: ShardStatus
    let clock: any Clock<Duration>
    let logger: Logger

    /// A read that waits comes back now and then, so that time-based work never waits for a record.
    private static let longestWait = Duration.seconds(10)

    func run() async throws {
        guard let position = claim.start.resumePosition else { return }
        let reader: (any ShardReader)?
        do { reader = try await openReader(at: position) } catch let error as ShardNotFound {
            // Without this its children would wait for ever.
            logger.error("shard is gone before its end was processed", metadata: ["error": "\(error)"])
            return try await end()
        }
        let stopwatch = Stopwatch(clock: clock)
        var window = BatchWindow(limits, now: stopwatch.elapsed)

        while let reader, !claim.drain.isRequested {
            noteOldestPending(in: window)
            if let batch = window.take(now: stopwatch.elapsed) {
                guard try await delivery.deliver(batch, of: claim) == .done else { return }
                window.reopen(now: stopwatch.elapsed)
            } else if window.isFinished {
                return try await end()
            } else {
                let wait = window.readWait(now: stopwatch.elapsed, longest: Self.longestWait)
                guard let result = try await read(reader, for: window, wait: wait) else { return }
                window.add(result)
            }
        }
    }

    private func noteOldestPending(in window: BatchWindow) {
        let oldest = window.firstPending?.arrival
        // Behind the tip there is more to read, about as old as what was done last.
        if oldest != nil || window.isTipReached { status.update { $0.oldestPending = oldest } }
    }

    private func end() async throws {
        try await claim.checkpoint(.shardEnd)
        status.update { report in
            report.checkpoint = .shardEnd
            report.activity = .ended
        }
    }

    /// - Returns: `nil` when draining was requested first.
    private func read(_ reader: any ShardReader, for window: BatchWindow, wait: Duration) async throws
        -> ReadResult?
    {
        if wait > .zero { status.note(.waitingForRecords) }
        let (records, bytes) = (window.readRecords, window.readBytes)
        let read = { @Sendable in try await reader.read(maxRecords: records, maxBytes: bytes, wait: wait) }
        guard !window.isEmpty else { return try await repeating("read", read) }
        do {
            return try await claim.drain.interruptible(read)
        } catch let error where isPassing(error) {
            // What is gathered must not wait behind a record that cannot be read: for now it counts as all there is.
            guard try await pause(after: error, in: "read", failures: 1) else { return nil }
            return ReadResult(batch: .empty, millisBehindLatest: 0, isEnd: false)
        }
    }

    private func openReader(at position: Position) async throws -> (any ShardReader)? {
        try await repeating("open") { try await source.reader(of: claim.shard, from: position) }
    }

    /// Repeats a failing operation with back-off: giving the shard up would not help, and the reason is kept
    /// in sight.
    ///
    /// - Returns: `nil` when draining was requested first.
    /// - Throws: `ShardNotFound` and `StreamNotFound`: what comes back under that name needs another reader.
    private func repeating<Value: Sendable>(
        _ what: String,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        var failures = 0
        while true {
            do {
                return try await claim.drain.interruptible(operation)
            } catch let error where isPassing(error) {
                failures += 1
                guard try await pause(after: error, in: what, failures: failures) else { return nil }
            }
        }
    }

    /// - Returns: `false` when draining was requested first.
    private func pause(after error: any Error, in step: String, failures: Int) async throws -> Bool {
        let delay = delivery.retry.delay(afterFailures: failures, jitter: .random(in: 0...1))
        status.note(.readFailing(error: "\(error)"))
        logger.warning(
            "shard could not be read and is tried again",
            metadata: ["step": "\(step)", "delay": "\(delay.formatted())", "error": "\(error)"]
        )
        let slept: Void? = try await claim.drain.interruptible { [clock] in try await clock.sleep(for: delay)
        }
        return slept != nil
    }

    private func isPassing(_ error: any Error) -> Bool {
        switch error {
        case is CancellationError, is ShardNotFound, is StreamNotFound: false
        default: true
        }
    }
}
