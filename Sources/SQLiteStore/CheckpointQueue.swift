import GRDB
import StreamCore
import Synchronization

/// What one batch of one shard commits.
///
/// Everything that has to move together with the checkpoint is a part of this value and is written by `apply`.
struct CheckpointWrite: Sendable {
    let lease: Lease
    let checkpoint: Checkpoint

    /// Runs inside the transaction that the writes of other shards share.
    ///
    /// The checkpoint comes first: it finds out whether the lease is still held, and nothing else may be written if not.
    ///
    /// - Returns: `false` when the lease is lost. Nothing was written then.
    func apply(in db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: LeaseSQL.checkpoint)
        statement.setUncheckedArguments([
            checkpoint.description, checkpoint.startTimestamp, checkpoint.columnRank,
            lease.key.mapping.text, lease.key.shard.text, lease.owner.text, Int64(bitPattern: lease.counter),
        ])
        try statement.execute()
        return db.changesCount > 0
    }
}

/// Commits the checkpoints of many shards in as few transactions as possible.
///
/// The first one to come starts a transaction at once; those that come while it runs make up the next one. No timer, so a
/// lone checkpoint waits for nobody. Each caller gets its own result.
///
/// Its size is limited by the shards that this process owns: each waits for its checkpoint before the next batch.
final class CheckpointQueue: Sendable {
    private struct Waiting {
        let write: CheckpointWrite
        let continuation: CheckedContinuation<Bool, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isFlushing = false
    }

    private let database: SQLiteDatabase
    private let state = Mutex(State())

    init(database: SQLiteDatabase) {
        self.database = database
    }

    func commit(_ write: CheckpointWrite) async throws {
        let isHeld = try await withCheckedThrowingContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(Waiting(write: write, continuation: continuation))
                defer { state.isFlushing = true }
                return !state.isFlushing
            }
            if isFirst, !database.runIfIdle(flushHere) { scheduleFlush() }
        }
        guard isHeld else { throw LeaseLost(key: write.lease.key) }
    }

    /// Flushes on the thread of the first caller.
    ///
    /// Those who came meanwhile are taken along once: that costs the caller some 20 µs, another thread would cost all of
    /// them more. Later ones are left to the connection's thread, so that no caller works for others for long.
    private func flushHere(_ db: Database) {
        if flush(db, mayWait: false), flush(db, mayWait: false) { scheduleFlush() }
    }

    /// Flushes on the connection's thread, behind the renewals and other calls that were scheduled before.
    private func scheduleFlush() {
        database.schedule { db in
            if self.flush(db, mayWait: true) { self.scheduleFlush() }
        }
    }

    /// Commits what is waiting.
    ///
    /// - Parameter mayWait: Whether the thread may wait for another process; if not, the connection's thread does so.
    /// - Returns: Whether others are waiting by now.
    private func flush(_ db: Database, mayWait: Bool) -> Bool {
        let batch = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        let outcome = Result {
            try database.inTransaction(db, mayWait: mayWait) { db in
                try batch.map { try $0.write.apply(in: db) }
            }
        }
        if !mayWait, case .failure(is FileLocked) = outcome {
            state.withLock { $0.waiting = batch + $0.waiting }
            scheduleFlush()
            return false
        }
        finish(batch, outcome)
        return state.withLock { state in
            state.isFlushing = !state.waiting.isEmpty
            return state.isFlushing
        }
    }

    private func finish(_ batch: [Waiting], _ outcome: Result<[Bool], any Error>) {
        switch outcome {
        case .success(let isHeld):
            for (waiting, isHeld) in zip(batch, isHeld) { waiting.continuation.resume(returning: isHeld) }
        case .failure(let error):
            for waiting in batch { waiting.continuation.resume(throwing: database.storeError(error)) }
        }
    }
}
