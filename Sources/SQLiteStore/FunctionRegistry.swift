import Foundation
import GRDB
package import StreamCore
import Synchronization

/// The functions that are registered, with their versions and aliases, and the event source mappings that trigger them.
///
/// Every change is on disk, safe from power failures, when its call returns. All calls may throw `StoreUnavailable`.
///
/// A change of a function's code or settings waits as its `candidate` until the host has seen it start and calls `settle`;
/// a change of a mapping shows as a state in `-ing` until the host has carried it out and calls `settleMapping`.
package struct FunctionRegistry: Sendable {
    let database: SQLiteDatabase
    let now: @Sendable () -> Timestamp
    private let observers = RegistryObservers()
    /// The last change that the observers were told of.
    private let latest = LatestChange()

    /// - Parameter now: The wall clock, for `lastModified`.
    package init(
        _ database: SQLiteDatabase,
        now: @escaping @Sendable () -> Timestamp = FunctionRegistry.wallClock
    ) {
        self.database = database
        self.now = now
    }

    package static let wallClock: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    /// Tells when to read functions and mappings again: at once, after changes made through this registry, and after
    /// those of other processes while `watchOtherProcesses` runs.
    ///
    /// Several changes may be one element. Ends when the task that iterates is cancelled.
    package func changes() -> AsyncStream<Void> { observers.stream() }

    /// Runs a change in a transaction, and tells the observers if it wrote anything.
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        let (value, number) = try await database.transaction(.powerLoss) { db in
            let before = db.totalChangesCount
            let value = try body(db)
            guard db.totalChangesCount > before else { return (value, nil as Int64?) }
            let sql = "UPDATE registryChange SET number = number + 1 RETURNING number"
            return (value, try Int64.fetchOne(db, sql: sql))
        }
        if let number, latest.advance(to: number) { observers.notify() }
        return value
    }

    /// How often a process looks for what others have changed.
    package static let watchPeriod = Duration.seconds(1)

    /// Tells the observers of changes made by other processes on the same data directory, until the task is cancelled.
    ///
    /// A look that fails is made up for by the next.
    package func watchOtherProcesses(every period: Duration = watchPeriod, clock: any Clock<Duration>) async {
        while !Task.isCancelled {
            let number = try? await database.reading { db in
                try Int64.fetchOne(db, sql: "SELECT number FROM registryChange")
            }
            if let number, latest.advance(to: number) { observers.notify() }
            try? await clock.sleep(for: period)
        }
    }
}

// MARK: - Reading

extension FunctionRegistry {
    /// All functions, by name.
    package func functions() async throws -> [RegisteredFunction] {
        try await database.transaction { db in try RegisteredFunction.all(in: db) }
    }

    package func function(named name: FunctionName) async throws -> RegisteredFunction? {
        try await database.transaction { db in try RegisteredFunction.all(in: db, named: name).first }
    }

    /// All mappings, by function and stream.
    package func mappings() async throws -> [EventSourceMapping] {
        try await database.transaction { db in try EventSourceMapping.all(in: db) }
    }

    package func mapping(_ id: MappingID) async throws -> EventSourceMapping? {
        try await database.transaction { db in try EventSourceMapping.row(id, in: db) }
    }

    /// The folders of all code that may have to be started: of definitions, candidates and versions.
    package func codeDirectoriesInUse() async throws -> Set<String> {
        try await database.transaction { db in
            try String.fetchSet(
                db,
                sql: """
                    SELECT definition ->> '$.codeDirectory' FROM function
                    UNION SELECT candidate ->> '$.codeDirectory' FROM function WHERE candidate IS NOT NULL
                    UNION SELECT definition ->> '$.codeDirectory' FROM functionVersion
                    """
            )
        }
    }
}

/// The number of the last change that somebody was told of.
private final class LatestChange: Sendable {
    private let number = Atomic<Int64>(0)

    /// - Returns: Whether it is a later one.
    func advance(to other: Int64) -> Bool {
        number.max(other, ordering: .relaxed).oldValue < other
    }
}
