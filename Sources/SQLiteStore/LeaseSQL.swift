import Foundation
import GRDB
import StreamCore

/// The statements on the table `lease`, each compiled once per connection.
///
/// The condition `leaseOwner = ? AND fence = ?` is the fence: the counter at acquisition names one tenure of one
/// owner, and stays the same while renewals raise `leaseCounter`.
enum LeaseSQL {
    static let select = """
        SELECT leaseKey, leaseOwner, leaseCounter, checkpoint, checkpointTimestamp, parentShardId
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
            leaseOwner = ?1, leaseCounter = leaseCounter + 1, fence = leaseCounter + 1,
            ownerSwitchesSinceCheckpoint = ownerSwitchesSinceCheckpoint + (leaseOwner IS NOT NULL AND leaseOwner <> ?1)
        WHERE application = ?2 AND leaseKey = ?3 AND leaseCounter = ?4
        RETURNING fence
        """

    /// Renews an owner's leases of one mapping.
    ///
    /// The last argument is a JSON object: the fence of each shard.
    static let renew = "UPDATE lease SET leaseCounter = leaseCounter + 1 WHERE \(held)"

    /// Which of the same leases are held.
    static let selectHeld = "SELECT leaseKey FROM lease WHERE \(held)"

    // The row values are looked up by the table's key.
    private static let held = """
        application = ? AND leaseOwner = ? AND (leaseKey, fence) IN (SELECT key, value FROM json_each(?))
        """

    /// Moves the checkpoint, forward only.
    ///
    /// Sequence numbers have no leading zeros: the longer one is the larger.
    static let checkpoint = """
        UPDATE lease SET
            checkpoint = iif(\(isLater), ?1, checkpoint),
            checkpointTimestamp = iif(\(isLater), ?2, checkpointTimestamp),
            ownerSwitchesSinceCheckpoint = 0,
            leaseCounter = leaseCounter + 1
        WHERE application = ?4 AND leaseKey = ?5 AND leaseOwner = ?6 AND fence = ?7
        """

    /// Shows that the owner of a commit without a checkpoint still has the lease.
    static let touch = """
        UPDATE lease SET leaseCounter = leaseCounter + 1
        WHERE application = ? AND leaseKey = ? AND leaseOwner = ? AND fence = ?
        """

    static let selectProgress =
        "SELECT progress, windowState FROM progress WHERE application = ? AND leaseKey = ?"

    static let setProgress = """
        INSERT INTO progress (application, leaseKey, progress, windowState) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET progress = excluded.progress, windowState = excluded.windowState
        """

    static let deleteProgress = "DELETE FROM progress WHERE application = ? AND leaseKey = ?"

    static let release = """
        UPDATE lease SET leaseOwner = NULL, fence = NULL, leaseCounter = leaseCounter + 1
        WHERE application = ? AND leaseKey = ? AND leaseOwner = ? AND fence = ?
        """

    static let delete = "DELETE FROM lease WHERE application = ? AND leaseKey = ?"

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

    static func array(json: String) throws -> [String] {
        // Most shards have no parents.
        guard json != "[]" else { return [] }
        return try JSONDecoder().decode([String].self, from: Data(json.utf8))
    }
}

extension Lease {
    /// The arguments of the fence: the row, the owner, and its counter at acquisition.
    var fence: StatementArguments {
        [key.mapping.text, key.shard.text, owner.text, Int64(bitPattern: counter)]
    }
}
