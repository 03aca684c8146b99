import Logging
import StreamCore
import Synchronization

/// Reads one shard of the embedded log and remembers how far it has come.
final class EmbeddedShardReader: ShardReader {
    private let shard: ShardLog
    private let cursor: Mutex<ReadCursor>

    init(shard: ShardLog, cursor: ReadCursor) {
        self.shard = shard
        self.cursor = Mutex(cursor)
    }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        let limits = RecordRun.Limits(maxRecords: maxRecords, maxBytes: maxBytes)
        let result = try readNow(limits)
        guard result.batch.isEmpty, !result.isEnd, wait > .zero else { return result }
        return try await read(limits, wait: wait, clock: shard.environment.options.clock)
    }

    private func read<C: Clock>(
        _ limits: RecordRun.Limits,
        wait: Duration,
        clock: C
    ) async throws -> ReadResult where C.Duration == Duration {
        let deadline = clock.now.advanced(by: wait)
        while true {
            let next = cursor.withLock(\.next)
            let hasRecord = try await shard.waitForRecord(at: next, until: deadline, clock: clock)
            // A record may have arrived that the cursor leaves out: then the wait goes on.
            let result = try readNow(limits)
            if !result.batch.isEmpty || result.isEnd || !hasRecord { return result }
        }
    }

    private func readNow(_ limits: RecordRun.Limits) throws -> ReadResult {
        try Task.checkCancellation()
        let place = cursor.withLock(\.self)
        let read = try shard.read(place, limits: limits)
        cursor.withLock { $0 = read.next }
        let reached = read.result.batch.first?.sequenceNumber ?? read.next.next
        if reached > place.next { warnOfExpiry(from: place, to: reached) }
        return read.result
    }

    /// Tells of records that were never read; the cursor is behind them now, so that it is told once.
    private func warnOfExpiry(from place: ReadCursor, to reached: SequenceNumber) {
        guard shard.hasExpired(place) else { return }
        shard.environment.logger.warning(
            "records expired before they were read",
            metadata: [
                "stream": "\(shard.stream)", "shard": "\(shard.id)",
                "from": "\(place.next)", "to": "\(reached)",
            ]
        )
    }
}
