import Foundation
import GRDB
package import StreamCore

/// The failures that `SQLiteLeaseStore` commits.
///
/// Failures that wait for their destination have no limit of their own, as what is refused here would have to be lost or
/// to hold up a shard for another reason than its records. The disk is the limit: on a full one no commit comes through,
/// and shards wait until there is room.
///
/// What became of a delivery withstands the death of the process; after a power failure one that was delivered may be
/// delivered again. The file does not shrink when failures are pruned: their pages are used for the next.
package struct SQLiteFailureStore: FailureStore {
    /// Pruned in one transaction, so that commits get their turn between two.
    private static let prunedAtOnce = 20

    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) {
        self.database = database
    }

    package func due(at now: Timestamp, limit: Int, except closed: Set<FailureTarget>) async throws
        -> [StoredFailure]
    {
        let closed = Set(closed.map(\.text))
        let perTarget = min(limit, FailureLimits.duePerDestination)
        return try await database.transaction { db in
            let targets = try String.fetchAll(try db.cachedStatement(sql: FailureSQL.waitingTargets))
            let ofTarget = try db.cachedStatement(sql: FailureSQL.dueOfTarget)
            let rows = try targets.filter { !closed.contains($0) }.flatMap { target in
                try Row.fetchAll(ofTarget, arguments: [target, now.milliseconds, perTarget]).map(DueRow.init)
            }
            return try Self.fitting(rows.sorted().prefix(limit)).map { due in
                try StoredFailure(row: due.row, event: try Self.event(of: due.row, in: db))
            }
        }
    }

    private struct DueRow: Comparable {
        let row: Row
        let time: Int64
        let number: Int64
        let eventBytes: Int

        init(row: Row) {
            self.row = row
            (time, number, eventBytes) = (row[7], row[10], row[11])
        }

        static func < (left: DueRow, right: DueRow) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }
    }

    /// As many as may be in memory at a time, and at least one.
    private static func fitting(_ rows: ArraySlice<DueRow>) -> ArraySlice<DueRow> {
        var bytes = 0
        return rows.prefix { row in
            defer { bytes += row.eventBytes }
            return bytes == 0 || bytes + row.eventBytes <= FailureLimits.dueEventBytes
        }
    }

    package func noteDelivered(_ id: String, at now: Timestamp) async throws {
        try await database.transaction { db in
            try db.execute(sql: FailureSQL.delivered, arguments: [now.milliseconds, id])
        }
    }

    package func notePostponed(_ id: String, until next: Timestamp, error: String) async throws {
        let error = error.prefixOfUTF8(FailureLimits.errorBytes)
        try await database.transaction { db in
            try db.execute(sql: FailureSQL.postponed, arguments: [next.milliseconds, error, id])
        }
    }

    package func nextDue(except closed: Set<FailureTarget>) async throws -> Timestamp? {
        let closed = Set(closed.map(\.text))
        return try await database.transaction { db in
            let targets = try String.fetchAll(try db.cachedStatement(sql: FailureSQL.waitingTargets))
            let nextOfTarget = try db.cachedStatement(sql: FailureSQL.nextDueOfTarget)
            return try targets.filter { !closed.contains($0) }
                .compactMap { try Int64.fetchOne(nextOfTarget, arguments: [$0]) }
                .min().map(Timestamp.init(milliseconds:))
        }
    }

    package func failures(of mapping: MappingID?, limit: Int) async throws -> [StoredFailure] {
        let condition = mapping == nil ? "? IS NULL" : "mapping = ?"
        let sql = "SELECT \(FailureSQL.columns) FROM failure WHERE \(condition) ORDER BY number DESC LIMIT ?"
        return try await database.transaction { db in
            try Row.fetchAll(db, sql: sql, arguments: [mapping?.text, max(0, limit)])
                .map { try StoredFailure(row: $0) }
        }
    }

    package func failure(_ id: String) async throws -> StoredFailure? {
        let sql = "SELECT \(FailureSQL.columns) FROM failure WHERE id = ?"
        return try await database.transaction { db in
            try Row.fetchOne(db, sql: sql, arguments: [id]).map { row in
                try StoredFailure(row: row, event: try Self.event(of: row, in: db))
            }
        }
    }

    private static func event(of row: Row, in db: Database) throws -> [UInt8] {
        let number: Int64 = row[10]
        let statement = try db.cachedStatement(sql: FailureSQL.selectEvent)
        return try Data.fetchOne(statement, arguments: [number]).map(Array.init) ?? []
    }

    package func prune(deliveredBefore: Timestamp, undirectedBefore: Timestamp) async throws {
        var isDone = false
        while !isDone {
            isDone = try await database.transaction { db in
                try db.execute(
                    sql: FailureSQL.prune,
                    arguments: [
                        deliveredBefore.milliseconds, undirectedBefore.milliseconds, Self.prunedAtOnce,
                    ]
                )
                return db.changesCount < Self.prunedAtOnce
            }
        }
    }
}
