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
        let rows = try await database.reading { db in
            let statement = try db.cachedStatement(sql: LeaseSQL.select)
            // By a cursor: keeping a copy of each row until it is decoded takes longer than decoding it.
            let rows = try Row.fetchCursor(statement, arguments: [mapping.text])
            return try Array(rows.map { try LeaseRow(row: $0, mapping: mapping) })
        }
        let dead = Set(Set(rows.compactMap(\.holder)).filter(isDead))
        return dead.isEmpty ? rows : rows.map { $0.holder.map(dead.contains) == true ? $0.orphaned : $0 }
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

    package func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws
        -> Bool
    {
        try await change(
            LeaseSQL.requestHandOff,
            [worker.text, key.mapping.text, key.shard.text, holder.text]
        )
    }

    package func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        guard !leases.isEmpty else { return [] }
        // As a rule they are all of one.
        let tenant = Tenant(of: leases[0])
        let groups =
            leases.allSatisfy { Tenant(of: $0) == tenant }
            ? [tenant: leases] : Dictionary(grouping: leases, by: Tenant.init(of:))
        return try await database.transaction { db in
            try groups.reduce(into: []) { lost, group in
                lost.formUnion(try Self.renew(group.value, throughput, of: group.key, in: db))
            }
        }
    }

    /// One worker's leases of one mapping are renewed by one statement.
    private struct Tenant: Hashable {
        let mapping: MappingID
        let owner: WorkerID

        init(of lease: Lease) {
            (mapping, owner) = (lease.key.mapping, lease.owner)
        }
    }

    private static func renew(
        _ leases: [Lease],
        _ throughput: [LeaseKey: Double],
        of tenant: Tenant,
        in db: Database
    ) throws -> Set<LeaseKey> {
        // The rules of names leave nothing in them to escape.
        let renewals = leases.map { lease in
            let renewal = LeaseSQL.renewal(fence: lease.counter, throughput: throughput[lease.key])
            return "\"\(lease.key.shard)\":\"\(renewal)\""
        }
        let arguments: StatementArguments = [
            tenant.mapping.text, tenant.owner.text, "{\(renewals.joined(separator: ","))}",
        ]
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

    package func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await change(
            LeaseSQL.free,
            [key.mapping.text, key.shard.text, Int64(bitPattern: counter)]
        )
    }

    package func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await change(
            LeaseSQL.delete,
            [key.mapping.text, key.shard.text, Int64(bitPattern: counter)]
        )
    }

    /// - Returns: Whether the row met the statement's condition.
    private func change(_ sql: String, _ arguments: StatementArguments) async throws -> Bool {
        try await database.transaction { db in
            try db.cachedStatement(sql: sql).execute(arguments: arguments)
            return db.changesCount > 0
        }
    }
}

extension LeaseRow {
    fileprivate init(row: Row, mapping: MappingID) throws {
        let key = LeaseKey(mapping: mapping, shard: ShardID(unchecked: row[0]))
        self.init(
            key: key,
            owner: (row[1] as String?).map { WorkerID(unchecked: $0) },
            checkpointOwner: (row[2] as String?).map { WorkerID(unchecked: $0) },
            counter: UInt64(bitPattern: row[3] as Int64),
            checkpoint: try Checkpoint(column: row[4], timestamp: row[5], of: key),
            parents: LeaseSQL.names(json: row[6]),
            children: LeaseSQL.names(json: row[7]),
            hashKeyRange: Self.hashKeyRange(from: row[8], to: row[9]),
            throughput: row[10]
        )
    }

    private static func hashKeyRange(from start: String, to end: String) -> HashKeyRange? {
        guard let start = UInt128(start), let end = UInt128(end), start <= end else { return nil }
        return HashKeyRange(start: start, end: end)
    }
}
