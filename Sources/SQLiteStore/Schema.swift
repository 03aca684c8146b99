import GRDB

/// The tables of `millrace.sqlite`, built up in steps.
///
/// A released step is never changed; a new version adds another.
enum Schema {
    private static let steps = [
        [functions, mappings, leases]
    ]

    /// Carries out the steps that the file has not seen, in one transaction.
    ///
    /// Processes that open an older file at the same time take turns (`FileTurn`); the second finds the work done.
    static func migrate(_ db: Database) throws {
        try db.inTransaction(.immediate) {
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard version <= steps.count else {
                throw SchemaTooNew(version: version, newestKnown: steps.count)
            }
            guard version < steps.count else { return .commit }
            for statement in steps[version...].joined() { try db.execute(sql: statement) }
            try db.execute(sql: "PRAGMA user_version = \(steps.count)")
            return .commit
        }
    }

    private static let functions = """
        CREATE TABLE function (
            name TEXT NOT NULL PRIMARY KEY,
            definition TEXT NOT NULL, -- JSON of FunctionDefinition
            lastModified INTEGER NOT NULL -- milliseconds since 1970
        ) STRICT, WITHOUT ROWID
        """

    private static let mappings = """
        CREATE TABLE mapping (
            id TEXT NOT NULL PRIMARY KEY,
            function TEXT NOT NULL REFERENCES function (name) ON DELETE CASCADE,
            stream TEXT NOT NULL,
            source TEXT NOT NULL, -- JSON of EventSource
            incarnation TEXT, -- of the stream that the leases are about; null before the first
            UNIQUE (function, stream)
        ) STRICT, WITHOUT ROWID
        """

    /// The columns of KCL's lease table, with the mapping in the place of its application.
    ///
    /// Two more:
    /// - `fence`: the counter when the owner acquired the lease. `leaseCounter` goes on growing with each renewal.
    /// - `checkpointTimestamp`: the time that belongs to the checkpoint `AT_TIMESTAMP`.
    ///
    /// No index beside the key, so that a checkpoint writes one page.
    private static let leases = """
        CREATE TABLE lease (
            application TEXT NOT NULL REFERENCES mapping (id) ON DELETE CASCADE,
            leaseKey TEXT NOT NULL,
            leaseOwner TEXT,
            leaseCounter INTEGER NOT NULL DEFAULT 0,
            fence INTEGER,
            checkpoint TEXT NOT NULL,
            checkpointSubSequenceNumber INTEGER NOT NULL DEFAULT 0,
            checkpointTimestamp INTEGER, -- milliseconds since 1970
            ownerSwitchesSinceCheckpoint INTEGER NOT NULL DEFAULT 0,
            parentShardId TEXT NOT NULL, -- JSON array
            childShardIds TEXT NOT NULL DEFAULT '[]', -- JSON array
            startingHashKey TEXT NOT NULL, -- decimal
            endingHashKey TEXT NOT NULL, -- decimal
            PRIMARY KEY (application, leaseKey)
        ) STRICT, WITHOUT ROWID
        """
}

/// The file was written by a newer version of Millrace.
package struct SchemaTooNew: Error, Hashable, CustomStringConvertible {
    package let version: Int
    package let newestKnown: Int

    package var description: String {
        "it was written by a newer version of millrace: it has schema \(version), this version knows \(newestKnown)"
    }
}
