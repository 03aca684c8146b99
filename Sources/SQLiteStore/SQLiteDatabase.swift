import Foundation
import GRDB
import StreamCore
import Synchronization

/// The file `millrace.sqlite` of a data directory: one connection, in WAL mode.
///
/// Several processes may have the same file open. They take turns, one transaction at a time; who waits for too long fails.
package final class SQLiteDatabase: Sendable {
    /// What a commit withstands.
    enum Durability: Sendable {
        /// The death of this process. A power failure may take back the last commits, newest first.
        case processCrash
        /// A power failure: the commit is on disk when the call returns.
        case powerLoss
    }

    package static let fileName = "millrace.sqlite"

    package let path: String
    private let queue: DatabaseQueue
    let turn: FileTurn
    /// Calls that are running or waiting for the connection.
    private let pendingCalls = Atomic(0)

    /// Opens the file, creates it when missing, and brings an older one up to this version's schema.
    ///
    /// - Parameter longestWait: About how long a call waits while other processes have the file.
    /// - Throws: `StoreUnavailable` naming the file: not writable, damaged, on a full disk, or of a newer schema.
    package init(directory: String, longestWait: Duration = .seconds(10)) throws {
        let path = URL(fileURLWithPath: directory).appendingPathComponent(Self.fileName).path
        self.path = path
        (turn, queue) = try Self.wrappingErrors(of: path) {
            try DataDirectory.make(at: directory)
            let turn = try FileTurn(path: "\(path)-turn", longestWait: longestWait)
            let queue = try turn.begin(mayWait: true) { try Self.open(path) }
            turn.end()
            return (turn, queue)
        }
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = fileName
        configuration.foreignKeysEnabled = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.setDurability(.processCrash)
            try Schema.migrate(db)
        }
        return queue
    }

    /// Closes the file once the work under way is done.
    ///
    /// Calls that come later fail.
    package func close() throws {
        try Self.wrappingErrors(of: path) { try queue.close() }
    }

    /// Runs a transaction; an error rolls it back.
    ///
    /// It runs to its end even when the task is cancelled, so that a worker that stops can still release its leases.
    func transaction<Value: Sendable>(
        _ durability: Durability = .processCrash,
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            schedule { db in
                let outcome = Result {
                    try Self.wrappingErrors(of: self.path) { try self.inTransaction(db, durability, body) }
                }
                continuation.resume(with: outcome)
            }
        }
    }

    /// Runs a transaction on the connection that is lent.
    ///
    /// - Parameter mayWait: Whether the thread may wait for other processes; if not, `FileLocked` is thrown at once.
    func inTransaction<Value>(
        _ db: Database,
        _ durability: Durability = .processCrash,
        mayWait: Bool = true,
        _ body: (Database) throws -> Value
    ) throws -> Value {
        guard durability != .processCrash else { return try inTransaction(db, mayWait: mayWait, body) }
        try db.setDurability(durability)
        let outcome = Result { try inTransaction(db, mayWait: mayWait, body) }
        try db.setDurability(.processCrash)
        return try outcome.get()
    }

    private func inTransaction<Value>(
        _ db: Database,
        mayWait: Bool,
        _ body: (Database) throws -> Value
    ) throws -> Value {
        // A transaction that asks for the lock only when it writes can be refused in the middle.
        try turn.begin(mayWait: mayWait) {
            try db.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
        }
        defer { turn.end() }
        do {
            let value = try body(db)
            try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
            return value
        } catch {
            // SQLite has rolled back by itself after some errors, such as a full disk.
            if db.isInsideTransaction { try db.rollback() }
            throw error
        }
    }

    /// Runs what only reads: it sees one moment of the file, and lets other processes write meanwhile.
    func reading<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            schedule { db in
                let outcome = Result {
                    try Self.wrappingErrors(of: self.path) { try self.inSnapshot(db, body) }
                }
                continuation.resume(with: outcome)
            }
        }
    }

    private func inSnapshot<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        defer { if db.isInsideTransaction { try? db.rollback() } }
        // The first read chooses the moment; from then on there is nothing to wait for.
        try turn.begin(mayWait: true) {
            try db.cachedStatement(sql: "BEGIN DEFERRED TRANSACTION").execute()
            do { _ = try Int.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema LIMIT 1") } catch {
                try db.rollback()
                throw error
            }
        }
        turn.end()
        let value = try body(db)
        try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
        return value
    }

    /// Runs `work` on the connection's thread, after everything that was scheduled before.
    func schedule(_ work: @escaping @Sendable (Database) -> Void) {
        pendingCalls.add(1, ordering: .acquiringAndReleasing)
        queue.asyncWriteWithoutTransaction { db in
            work(db)
            self.pendingCalls.subtract(1, ordering: .acquiringAndReleasing)
        }
    }

    /// Runs `work` on the calling thread if the connection is idle.
    ///
    /// Waking the connection's thread and coming back costs more than a small transaction. `work` must not wait for
    /// other processes: it may be on a thread that belongs to all tasks.
    ///
    /// - Returns: `false` when the connection is in use; nothing was done.
    func runIfIdle(_ work: (Database) -> Void) -> Bool {
        let isIdle = pendingCalls.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing)
            .exchanged
        guard isIdle else { return false }
        queue.inDatabase(work)
        pendingCalls.subtract(1, ordering: .acquiringAndReleasing)
        return true
    }

    private static func wrappingErrors<Value>(of path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw storeError(error, path: path)
        }
    }

    /// The file's errors get its path; errors that carry facts of their own pass as they are.
    func storeError(_ error: any Error) -> any Error { Self.storeError(error, path: path) }

    private static func storeError(_ error: any Error, path: String) -> any Error {
        switch error {
        case let error as DatabaseError: StoreUnavailable(store: path, cause: SQLiteFailure(error))
        case is SchemaTooNew, is DataDirectoryUnusable, is FileLocked:
            StoreUnavailable(store: path, cause: error)
        default: error
        }
    }
}

extension Database {
    /// Sets `PRAGMA synchronous` and reads it back: SQLite ignores the setting silently where it cannot be changed.
    fileprivate func setDurability(_ durability: SQLiteDatabase.Durability) throws {
        let level =
            switch durability {
            case .processCrash: 1  // NORMAL
            case .powerLoss: 2  // FULL
            }
        try execute(sql: "PRAGMA synchronous = \(level)")
        let actual = try Int.fetchOne(self, sql: "PRAGMA synchronous")
        precondition(actual == level, "the level of synchronous changes outside of transactions")
    }
}
