import Foundation
import GRDB
package import StreamCore

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

    /// Tells when to read functions and mappings again: at once, and after changes made through this registry.
    ///
    /// Several changes may be one element. Ends when the task that iterates is cancelled.
    package func changes() -> AsyncStream<Void> { observers.stream() }

    /// Runs a change in a transaction, and tells the observers if it wrote anything.
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        let (value, isChanged) = try await database.transaction(.powerLoss) { db in
            let before = db.totalChangesCount
            let value = try body(db)
            return (value, db.totalChangesCount > before)
        }
        if isChanged { observers.notify() }
        return value
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
