import Foundation
import GRDB
package import StreamCore

/// The workers of one data directory, in the table `worker`.
package struct SQLiteWorkerStore: WorkerStore {
    private let database: SQLiteDatabase
    private let isDead: @Sendable (WorkerID) -> Bool

    /// - Parameter isDead: Whether a worker's process has ended for certain, see `WorkerPresence`.
    package init(
        _ database: SQLiteDatabase,
        isDead: @escaping @Sendable (WorkerID) -> Bool = { _ in false }
    ) {
        self.database = database
        self.isDead = isDead
    }

    package func report(_ report: WorkerReport) async throws -> Bool {
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        return try await database.transaction { db in
            let upsert = """
                INSERT INTO worker (id, counter, report) VALUES (?, 1, ?)
                ON CONFLICT DO UPDATE SET counter = counter + 1, report = excluded.report
                RETURNING isDrainRequested
                """
            let statement = try db.cachedStatement(sql: upsert)
            return try Bool.fetchOne(statement, arguments: [report.worker.text, json]) ?? false
        }
    }

    package func workers() async throws -> [WorkerRow] {
        let rows = try await database.reading { db in
            try Row.fetchAll(db, sql: "SELECT report, counter, isDrainRequested FROM worker ORDER BY id")
                .map { WorkerColumns(report: $0[0], counter: $0[1], isDrainRequested: $0[2]) }
        }
        return try rows.map { row in
            let report = try JSONDecoder().decode(WorkerReport.self, from: Data(row.report.utf8))
            return WorkerRow(
                report: report,
                counter: UInt64(bitPattern: row.counter),
                isDrainRequested: row.isDrainRequested,
                isDead: isDead(report.worker)
            )
        }
    }

    /// Decoded once other calls can use the connection again.
    private struct WorkerColumns: Sendable {
        let report: String
        let counter: Int64
        let isDrainRequested: Bool
    }

    package func requestDrain(of worker: WorkerID) async throws -> Bool {
        try await database.transaction { db in
            try db.execute(
                sql: "UPDATE worker SET isDrainRequested = TRUE WHERE id = ?",
                arguments: [worker.text]
            )
            return db.changesCount > 0
        }
    }

    package func removeWorker(_ worker: WorkerID) async throws {
        try await database.transaction { db in
            try db.execute(sql: "DELETE FROM worker WHERE id = ?", arguments: [worker.text])
            try db.execute(sql: "DELETE FROM carriedOut WHERE worker = ?", arguments: [worker.text])
        }
    }
}
