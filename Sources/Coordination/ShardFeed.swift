import Delivery
import Logging
import StreamCore

/// Reads one shard through the mapping's filter, and again when reading fails.
///
/// A class, as each task of an idle shard would keep a copy of its own.
final class ShardFeed: Sendable {
    let claim: ShardClaim
    let source: any LogSource
    let filter: RecordFilter?
    let retry: RetryPolicy
    let status: ShardStatus
    /// Of all shards of the mapping together.
    let logPace: LogPace
    let clock: any Clock<Duration>
    let logger: Logger

    init(
        claim: ShardClaim,
        source: any LogSource,
        filter: RecordFilter?,
        retry: RetryPolicy,
        status: ShardStatus,
        logPace: LogPace,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.claim = claim
        self.source = source
        self.filter = filter
        self.retry = retry
        self.status = status
        self.logPace = logPace
        self.clock = clock
        self.logger = logger
    }

    /// - Returns: `nil` when draining was requested first.
    /// - Throws: `ShardNotFound` when all of the shard has expired.
    func open(at position: Position) async throws -> (any ShardReader)? {
        try await repeating("open") { [claim, source] in
            try await claim.drain.interruptible { try await source.reader(of: claim.shard, from: position) }
        }
    }

    /// - Parameter hasPending: Records wait for more; they must not wait behind one that cannot be read.
    /// - Returns: `nil` when draining was requested first.
    func read(
        _ reader: any ShardReader,
        records: Int,
        bytes: Int,
        wait: Duration,
        hasPending: Bool
    ) async throws -> ShardReading? {
        let read = { [drain = claim.drain] in
            try await reader.read(maxRecords: records, maxBytes: bytes, wait: wait, until: drain)
        }
        let result: ReadResult?
        if !hasPending {
            result = try await repeating("read", read)
        } else {
            do {
                result = try await read()
            } catch let error where isPassing(error) {
                // What is gathered must not wait behind a record that cannot be read: for now it counts as all there is.
                guard try await pause(after: error, in: "read", failures: 1) else { return nil }
                result = ReadResult(batch: .empty, millisBehindLatest: 0, isEnd: false)
            }
        }
        guard let result else { return nil }
        let reading = ShardReading(result, passing: filter)
        status.noteRead(
            reading,
            bytes: result.batch.bytes.count,
            behindMilliseconds: result.millisBehindLatest
        )
        return reading
    }

    /// Repeats a failing operation with back-off: giving the shard up would not help, and the reason is kept
    /// in sight.
    ///
    /// - Returns: `nil` when draining was requested first.
    /// - Throws: `ShardNotFound` and `StreamNotFound`: what comes back under that name needs another reader.
    private func repeating<Value>(_ what: String, _ operation: () async throws -> Value?) async throws
        -> Value?
    {
        var failures = 0
        while true {
            do {
                return try await operation()
            } catch let error where isPassing(error) {
                failures += 1
                guard try await pause(after: error, in: what, failures: failures) else { return nil }
            }
        }
    }

    /// - Returns: `false` when draining was requested first.
    private func pause(after error: any Error, in step: String, failures: Int) async throws -> Bool {
        let delay = retry.delay(afterFailures: failures, jitter: .random(in: 0...1))
        status.note(.readFailing(error: "\(error)"))
        logger.log(
            level: logPace.level(.warning),
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
