import GRDB
import StreamCore
import Synchronization

/// Commits the writes of many shards in as few transactions as possible.
///
/// The first one to come starts a transaction at once; those that come while it runs make up the next one. No timer, so a
/// lone checkpoint waits for nobody. Each caller gets its own result: what fails one write fails no other.
///
/// Its size is limited by the shards that this process owns: each waits for its commit before the next.
final class CommitQueue: Sendable {
    private struct Waiting {
        let write: CommitWrite
        let continuation: CheckedContinuation<Bool, any Error>
    }

    private struct State {
        var usual: [Waiting] = []
        /// Those that wait for the disk.
        var durable: [Waiting] = []
        var isFlushing = false
    }

    private let database: SQLiteDatabase
    private let state = Mutex(State())

    init(database: SQLiteDatabase) {
        self.database = database
    }

    func commit(_ write: CommitWrite) async throws {
        let isHeld = try await withCheckedThrowingContinuation { continuation in
            let isFirst = state.withLock { state in
                let waiting = Waiting(write: write, continuation: continuation)
                if write.waitsForDisk { state.durable.append(waiting) } else { state.usual.append(waiting) }
                defer { state.isFlushing = true }
                return !state.isFlushing
            }
            guard isFirst else { return }
            if write.waitsForDisk || !database.runIfIdle(flushHere) { scheduleFlush() }
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
    /// - Parameter mayWait: Whether the thread may wait for another process or for the disk; if not, the connection's thread
    ///   does so.
    /// - Returns: Whether others are waiting by now.
    private func flush(_ db: Database, mayWait: Bool) -> Bool {
        let (usual, durable) = state.withLock { state in
            let (usual, durable) = (state.usual, mayWait ? state.durable : [])
            state.usual = []
            if mayWait { state.durable = [] }
            return (usual, durable)
        }
        guard commit(usual, .processCrash, db, mayWait: mayWait) else {
            state.withLock { $0.usual = usual + $0.usual }
            scheduleFlush()
            return false
        }
        // By themselves, so that the others do not wait for the disk.
        _ = commit(durable, .powerLoss, db, mayWait: mayWait)
        return state.withLock { state in
            state.isFlushing = !(state.usual.isEmpty && state.durable.isEmpty)
            return state.isFlushing
        }
    }

    /// Commits a group in one transaction and tells each caller how it went.
    ///
    /// - Returns: `false` when another process has the file and this thread may not wait: nothing was done.
    private func commit(
        _ group: [Waiting],
        _ durability: SQLiteDatabase.Durability,
        _ db: Database,
        mayWait: Bool
    ) -> Bool {
        guard !group.isEmpty else { return true }
        let outcome = Result {
            try database.inTransaction(db, durability, mayWait: mayWait) { db in
                try group.map { try $0.write.apply(in: db) }
            }
        }
        switch outcome {
        case .success(let isHeld):
            for (waiting, isHeld) in zip(group, isHeld) { waiting.continuation.resume(returning: isHeld) }
        case .failure(is FileLocked) where !mayWait:
            return false
        case .failure(let error) where group.count == 1 || error is FileLocked:
            for waiting in group { waiting.continuation.resume(throwing: database.storeError(error)) }
        case .failure:
            // One of them cannot be written, such as a failure too large for what is left of the disk. None was; the others
            // need not suffer for it.
            for waiting in group where !commit([waiting], durability, db, mayWait: mayWait) {
                waiting.continuation.resume(throwing: database.storeError(database.turn.refusal))
            }
        }
        return true
    }
}

extension CommitWrite {
    fileprivate var waitsForDisk: Bool { durability == .powerLoss }
}
