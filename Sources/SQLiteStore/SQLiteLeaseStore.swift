import Foundation
import GRDB
package import StreamCore

/// Leases and checkpoints in the table `lease`, for the workers of one machine; progress and failures in tables beside it.
///
/// Writes withstand the death of the process. After a power failure a checkpoint may be an older one, with the progress of
/// that time: its records run again, none is lost. A commit with failures withstands a power failure, as what was delivered
/// cannot be taken back.
package struct SQLiteLeaseStore: LeaseStore {
    private let database: SQLiteDatabase
    private let commits: CommitQueue
    private let failureStored: WakeSignal?
    private let isDead: @Sendable (WorkerID) -> Bool

    /// - Parameters:
    ///   - failureStored: Woken after each commit with failures, for who delivers them.
    ///   - isDead: Whether a worker's process has ended for certain, see `WorkerPresence`.
    package init(
        _ database: SQLiteDatabase,
        failureStored: WakeSignal? = nil,
        isDead: @escaping @Sendable (WorkerID) -> Bool = { _ in false }
    ) {
        self.database = database
        self.failureStored = failureStored
        self.isDead = isDead
        commits = CommitQueue(database: database)
    }

    package func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        let rows = try await database.transaction { db in
            let statement = try db.cachedStatement(sql: LeaseSQL.select)
            return try Row.fetchAll(statement, arguments: [mapping.text])
                .map { try LeaseRow(row: $0, mapping: mapping) }
        }
        let dead = Set(Set(rows.compactMap(\.owner)).filter(isDead))
        return dead.isEmpty ? rows : rows.map { $0.orphaned(if: dead) }
    }

    /// Adds the rows, and enters each new shard with its parents as a child.
    ///
    /// - Throws: `MappingNotFound` when the mapping is not in the registry, or no longer.
    package func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        guard !shards.isEmpty else { return }
        try await database.transaction { db in
            let known = try Bool.fetchOne(
                db,
                sql: "SELECT EXISTS (SELECT * FROM mapping WHERE id = ?)",
                arguments: [mapping.text]
            )
            guard known == true else { throw MappingNotFound(mapping: mapping) }
            for new in shards { try Self.add(new, to: mapping, in: db) }
        }
    }

    private static func add(_ new: NewLease, to mapping: MappingID, in db: Database) throws {
        let shard = new.shard
        let insert = try db.cachedStatement(sql: LeaseSQL.insert)
        try insert.execute(arguments: [
            mapping.text, shard.id.text, new.checkpoint.description, new.checkpoint.startTimestamp,
            try LeaseSQL.jsonArray(shard.parents.map(\.text)),
            String(shard.hashKeyRange.start), String(shard.hashKeyRange.end),
        ])
        guard db.changesCount > 0 else { return }
        let adopt = try db.cachedStatement(sql: LeaseSQL.addChild)
        for parent in shard.parents {
            try adopt.execute(arguments: [shard.id.text, mapping.text, parent.text])
        }
    }

    package func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        let fence = try await database.transaction { db in
            let statement = try db.cachedStatement(sql: LeaseSQL.acquire)
            return try Int64.fetchOne(
                statement,
                arguments: [worker.text, key.mapping.text, key.shard.text, Int64(bitPattern: counter)]
            )
        }
        return fence.map { Lease(key: key, owner: worker, counter: UInt64(bitPattern: $0)) }
    }

    package func renew(_ leases: [Lease]) async throws -> Set<LeaseKey> {
        guard !leases.isEmpty else { return [] }
        let groups = Dictionary(grouping: leases) { Tenant(mapping: $0.key.mapping, owner: $0.owner) }
        return try await database.transaction { db in
            try groups.reduce(into: []) { lost, group in
                lost.formUnion(try Self.renew(group.value, of: group.key, in: db))
            }
        }
    }

    /// One worker's leases of one mapping are renewed by one statement.
    private struct Tenant: Hashable {
        let mapping: MappingID
        let owner: WorkerID
    }

    private static func renew(_ leases: [Lease], of tenant: Tenant, in db: Database) throws -> Set<LeaseKey> {
        // The rules of names leave nothing in them to escape.
        let fences = leases.map { "\"\($0.key.shard)\":\(Int64(bitPattern: $0.counter))" }.joined(
            separator: ","
        )
        let arguments: StatementArguments = [tenant.mapping.text, tenant.owner.text, "{\(fences)}"]
        try db.cachedStatement(sql: LeaseSQL.renew).execute(arguments: arguments)
        guard db.changesCount < leases.count else { return [] }
        let held = try String.fetchSet(try db.cachedStatement(sql: LeaseSQL.selectHeld), arguments: arguments)
        return Set(leases.map(\.key).filter { !held.contains($0.shard.text) })
    }

    package func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        try await commits.commit(try CommitWrite(commit, under: lease))
        if !commit.failures.isEmpty { failureStored?.wake() }
    }

    package func progress(of key: LeaseKey) async throws -> ShardProgress {
        try await database.transaction { db in
            let statement = try db.cachedStatement(sql: LeaseSQL.selectProgress)
            return try Row.fetchOne(statement, arguments: [key.mapping.text, key.shard.text])
                .map { try ProgressColumns(row: $0).progress() } ?? .none
        }
    }

    package func release(_ lease: Lease) async throws {
        try await database.transaction { db in
            let statement = try db.cachedStatement(sql: LeaseSQL.release)
            try statement.execute(arguments: lease.fence)
        }
    }

    package func remove(_ key: LeaseKey) async throws {
        try await database.transaction { db in
            let statement = try db.cachedStatement(sql: LeaseSQL.delete)
            try statement.execute(arguments: [key.mapping.text, key.shard.text])
        }
    }
}

extension LeaseRow {
    fileprivate init(row: Row, mapping: MappingID) throws {
        let parents: [String] = try LeaseSQL.array(json: row[5])
        let key = LeaseKey(mapping: mapping, shard: ShardID(unchecked: row[0]))
        self.init(
            key: key,
            owner: (row[1] as String?).map { WorkerID(unchecked: $0) },
            counter: UInt64(bitPattern: row[2] as Int64),
            checkpoint: try Checkpoint(column: row[3], timestamp: row[4], of: key),
            parents: parents.map { ShardID(unchecked: $0) }
        )
    }

    fileprivate func orphaned(if dead: Set<WorkerID>) -> LeaseRow {
        LeaseRow(
            key: key,
            owner: owner,
            counter: counter,
            checkpoint: checkpoint,
            parents: parents,
            isOrphaned: owner.map(dead.contains) ?? false
        )
    }
}
