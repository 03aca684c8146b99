import Foundation
import GRDB
import StreamCore

/// A failure as the columns of the tables `failure` and `failureEvent` hold it.
struct FailureColumns: Sendable {
    private let failure: BatchFailure
    private let details: String

    init(_ failure: BatchFailure) throws {
        self.failure = failure
        self.details = String(decoding: try JSONEncoder().encode(failure.details), as: UTF8.self)
    }

    /// Adds the failure, unless it is stored: a commit is repeated when its answer was lost.
    func insert(in db: Database) throws {
        let insert = try db.cachedStatement(sql: FailureSQL.insert)
        try insert.execute(arguments: [
            failure.id, failure.mapping.text, failure.shard.text, failure.time.milliseconds, details,
            failure.target?.text, failure.target == nil ? nil : failure.time.milliseconds,
        ])
        guard db.changesCount > 0 else { return }
        let insertEvent = try db.cachedStatement(sql: FailureSQL.insertEvent)
        try insertEvent.execute(arguments: [db.lastInsertedRowID, Data(failure.event)])
    }
}

extension StoredFailure {
    /// - Parameter row: `FailureSQL.columns`.
    init(row: Row, event: [UInt8] = []) throws {
        let (target, json): (String?, String) = (row[4], row[5])
        let details = try JSONDecoder().decode(BatchFailure.Details.self, from: Data(json.utf8))
        self.init(
            failure: BatchFailure(
                id: row[0],
                mapping: MappingID(unchecked: row[1]),
                shard: ShardID(unchecked: row[2]),
                time: Timestamp(milliseconds: row[3]),
                event: event,
                target: target.flatMap { FailureTarget($0) },
                details: details
            ),
            delivery: Delivery(row: row)
        )
    }
}

extension StoredFailure.Delivery {
    fileprivate init(row: Row) {
        let (attempts, next, delivered): (Int, Int64?, Int64?) = (row[6], row[7], row[9])
        if let delivered {
            self = .delivered(at: Timestamp(milliseconds: delivered), attempts: attempts)
        } else if let next {
            self = .waiting(
                attempts: attempts,
                nextAttempt: Timestamp(milliseconds: next),
                lastError: row[8]
            )
        } else {
            self = .none
        }
    }
}

/// The statements on the tables `failure` and `failureEvent`.
enum FailureSQL {
    static let columns =
        "id, mapping, shard, time, target, details, attempts, nextAttempt, lastError, delivered, number"

    static let insert = """
        INSERT INTO failure (id, mapping, shard, time, details, target, nextAttempt) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO NOTHING
        """

    static let insertEvent = "INSERT INTO failureEvent (number, event) VALUES (?, ?)"

    static let selectEvent = "SELECT event FROM failureEvent WHERE number = ?"

    /// Each destination that failures wait for, by one look into the index for each.
    static let waitingTargets = """
        WITH RECURSIVE waiting (name) AS (
            SELECT min(target) FROM failure WHERE nextAttempt IS NOT NULL
            UNION ALL
            SELECT (SELECT min(target) FROM failure WHERE nextAttempt IS NOT NULL AND target > name)
            FROM waiting WHERE name IS NOT NULL
        )
        SELECT name FROM waiting WHERE name IS NOT NULL
        """

    static let dueOfTarget = """
        SELECT \(columns), (SELECT length(event) FROM failureEvent WHERE number = failure.number)
        FROM failure WHERE nextAttempt IS NOT NULL AND target = ? AND nextAttempt <= ?
        ORDER BY nextAttempt, number LIMIT ?
        """

    static let delivered = """
        UPDATE failure SET delivered = ?, attempts = attempts + 1, nextAttempt = NULL
        WHERE id = ? AND nextAttempt IS NOT NULL
        """

    static let postponed = """
        UPDATE failure SET nextAttempt = ?, attempts = attempts + 1, lastError = ?
        WHERE id = ? AND nextAttempt IS NOT NULL
        """

    static let nextDueOfTarget =
        "SELECT min(nextAttempt) FROM failure WHERE nextAttempt IS NOT NULL AND target = ?"

    /// Arguments: the two limits, and how many rows at most.
    static let prune = """
        DELETE FROM failure WHERE number IN (
            SELECT number FROM failure
            WHERE nextAttempt IS NULL AND coalesce(delivered, time) < max(?1, ?2)
                AND iif(delivered IS NULL, time < ?2, delivered < ?1)
            LIMIT ?3
        )
        """
}
