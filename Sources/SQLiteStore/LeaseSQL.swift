import Foundation
import GRDB
import StreamCore

/// The statements on the table `lease`, each compiled once per connection.
///
/// The fence is the counter at acquisition: it names one tenure of one holder, and stays the same while renewals raise
/// `leaseCounter`. The holder is `checkpointOwner` during a hand-off, else `leaseOwner`.
enum LeaseSQL {
    static let select = """
        SELECT
            leaseKey, leaseOwner, checkpointOwner, leaseCounter, checkpoint, checkpointTimestamp, parentShardId,
            childShardIds, startingHashKey, endingHashKey, throughputKBps
        FROM lease WHERE application = ? ORDER BY leaseKey
        """

    static let insert = """
        INSERT INTO lease (
            application, leaseKey, checkpoint, checkpointTimestamp, parentShardId, startingHashKey, endingHashKey
        )
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """

    static let addChild = """
        UPDATE lease SET childShardIds = json_insert(childShardIds, '$[#]', ?) WHERE application = ? AND leaseKey = ?
        """

    static let acquire = """
        UPDATE lease SET
            leaseOwner = ?1, checkpointOwner = NULL, leaseCounter = leaseCounter + 1, fence = leaseCounter + 1,
            ownerSwitchesSinceCheckpoint = ownerSwitchesSinceCheckpoint + (leaseOwner IS NOT NULL AND leaseOwner <> ?1)
        WHERE application = ?2 AND leaseKey = ?3 AND leaseCounter = ?4
        RETURNING fence
        """

    static let requestHandOff = """
        UPDATE lease SET leaseOwner = ?1, checkpointOwner = leaseOwner
        WHERE application = ?2 AND leaseKey = ?3 AND leaseOwner = ?4 AND checkpointOwner IS NULL AND fence IS NOT NULL
        """

    /// Renews a worker's leases of one mapping.
    ///
    /// The last argument is a JSON object of `renewal` texts by shard.
    static let renew = """
        UPDATE lease SET
            leaseCounter = leaseCounter + 1, throughputKBps = coalesce(\(renewedThroughput), throughputKBps)
        FROM json_each(?3) AS renewal
        WHERE \(isRenewed)
        """

    /// Which of the same leases are held.
    static let selectHeld =
        "SELECT leaseKey FROM json_each(?3) AS renewal CROSS JOIN lease WHERE \(isRenewed)"

    /// The fence of one lease, a space and, unless it is to stay, the shard's throughput.
    ///
    /// A text, as reading JSON within the JSON doubles the time of the statement.
    static func renewal(fence: UInt64, throughput: Double?) -> String {
        "\(Int64(bitPattern: fence)) \(throughput.map { "\($0)" } ?? "")"
    }

    // A mapping that depends on the renewal makes SQLite go from each renewal to its row by the whole key. Were it just the
    // argument, SQLite would go through all rows of the mapping, and for each of them through the renewals: a second for
    // a thousand leases instead of 4 ms.
    private static let isRenewed = """
        application = iif(renewal.key IS NULL, NULL, ?1) AND leaseKey = renewal.key
            AND \(holder) = ?2 AND fence = CAST(renewal.value AS INTEGER)
        """

    private static let renewedThroughput =
        "CAST(nullif(substr(renewal.value, instr(renewal.value, ' ') + 1), '') AS REAL)"

    private static let holder = "coalesce(checkpointOwner, leaseOwner)"

    /// Moves the checkpoint, forward only.
    ///
    /// Sequence numbers have no leading zeros: the longer one is the larger.
    static let checkpoint = """
        UPDATE lease SET
            checkpoint = iif(\(isLater), ?1, checkpoint),
            checkpointTimestamp = iif(\(isLater), ?2, checkpointTimestamp),
            ownerSwitchesSinceCheckpoint = 0,
            leaseCounter = leaseCounter + 1
        WHERE application = ?4 AND leaseKey = ?5 AND \(holder) = ?6 AND fence = ?7
        """

    /// Shows that the owner of a commit without a checkpoint still has the lease.
    static let touch = """
        UPDATE lease SET leaseCounter = leaseCounter + 1
        WHERE application = ? AND leaseKey = ? AND \(holder) = ? AND fence = ?
        """

    static let selectProgress =
        "SELECT progress, windowState FROM progress WHERE application = ? AND leaseKey = ?"

    static let setProgress = """
        INSERT INTO progress (application, leaseKey, progress, windowState) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET progress = excluded.progress, windowState = excluded.windowState
        """

    static let deleteProgress = "DELETE FROM progress WHERE application = ? AND leaseKey = ?"

    static let release = """
        UPDATE lease SET
            leaseOwner = iif(checkpointOwner IS NULL, NULL, leaseOwner), checkpointOwner = NULL, fence = NULL,
            leaseCounter = leaseCounter + 1
        WHERE application = ? AND leaseKey = ? AND \(holder) = ? AND fence = ?
        """

    static let free = """
        UPDATE lease SET leaseOwner = NULL, checkpointOwner = NULL, fence = NULL, leaseCounter = leaseCounter + 1
        WHERE application = ? AND leaseKey = ? AND leaseCounter = ?
        """

    static let delete = "DELETE FROM lease WHERE application = ? AND leaseKey = ? AND leaseCounter = ?"

    /// Compares the row's checkpoint with the new one, whose `columnRank` is the third argument.
    private static let isLater = """
        (
            CASE checkpoint WHEN 'AT_TIMESTAMP' THEN 0 WHEN 'TRIM_HORIZON' THEN 1 WHEN 'LATEST' THEN 2
                WHEN 'SHARD_END' THEN 4 ELSE 3 END,
            length(checkpoint), checkpoint
        ) < (?3, length(?1), ?1)
        """

    static func jsonArray(_ elements: [some Encodable]) throws -> String {
        String(decoding: try JSONEncoder().encode(elements), as: UTF8.self)
    }

    /// Reads back an array of names, in which JSON has nothing to escape.
    static func names<Element: Name>(json: String) -> [Element] {
        // Most shards have no parents.
        guard json != "[]" else { return [] }
        let pieces = json.split(separator: "\"")
        return stride(from: 1, to: pieces.count, by: 2).map { Element(unchecked: String(pieces[$0])) }
    }
}

extension Lease {
    /// The arguments of the fence: the row, the owner, and its counter at acquisition.
    var fence: StatementArguments {
        [key.mapping.text, key.shard.text, owner.text, Int64(bitPattern: counter)]
    }
}
