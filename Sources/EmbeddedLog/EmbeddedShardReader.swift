import Logging
import StreamCore
import Synchronization

/// Reads one shard of the embedded log and remembers how far it has come.
final class EmbeddedShardReader: WatchableShardReader {
    private let shard: ShardLog
    private let cursor: Mutex<ReadCursor>
    private let woken = WakeSignal()
    private let wake: @Sendable () -> Void

    init(shard: ShardLog, cursor: ReadCursor) {
        self.shard = shard
        self.cursor = Mutex(cursor)
        wake = { [woken] in woken.wake() }
    }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        let limits = RecordRun.Limits(maxRecords: maxRecords, maxBytes: maxBytes)
        let result = try readNow(limits)
        guard result.batch.isEmpty, !result.isEnd, wait > .zero else { return result }
        let alarm = shard.environment.alarms.set(for: woken, in: wait)
        defer { shard.environment.alarms.remove(alarm) }
        while true {
            if let result = try await read(limits, until: alarm) { return result }
        }
    }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration, until drain: DrainSignal) async throws
        -> ReadResult?
    {
        guard !drain.isRequested else { return nil }
        let limits = RecordRun.Limits(maxRecords: maxRecords, maxBytes: maxBytes)
        let result = try readNow(limits)
        guard result.batch.isEmpty, !result.isEnd, wait > .zero else { return result }
        let registration = drain.onRequest(wake)
        defer { drain.forget(registration) }
        let alarm = shard.environment.alarms.set(for: woken, in: wait)
        defer { shard.environment.alarms.remove(alarm) }
        while !drain.isRequested {
            if let result = try await read(limits, until: alarm) { return result }
        }
        return nil
    }

    func watch(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
        guard let watch = shard.watch(for: cursor.withLock(\.next), action) else {
            action()
            return {}
        }
        return { [shard] in shard.forget(watch) }
    }

    /// Waits in the caller's task, so that an idle shard has no other: for a record, the alarm or another wake.
    ///
    /// - Returns: `nil` when the wait goes on, as when a record has arrived that the cursor leaves out.
    private func read(_ limits: RecordRun.Limits, until alarm: Alarms.Alarm) async throws -> ReadResult? {
        if let watch = shard.watch(for: cursor.withLock(\.next), wake) {
            await woken.wait()
            shard.forget(watch)
        }
        let result = try readNow(limits)
        let isOver = !result.batch.isEmpty || result.isEnd || shard.environment.alarms.isOver(alarm)
        return isOver ? result : nil
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
