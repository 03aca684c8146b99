import GRDB

/// The tables of `millrace.sqlite`, built up in steps.
///
/// A released step is never changed; a new version adds another.
enum Schema {
    private static let steps = [
        [functions, mappings, leases],
        functionChanges + mappingChanges + [progress, failures, failureEvents] + failureIndexes,
        handOffs + [workers, carriedOut] + registryChanges,
    ]

    /// Carries out the steps that the file has not seen, in one transaction.
    ///
    /// Processes that open an older file at the same time take turns (`FileTurn`); the second finds the work done.
    ///
    /// - Parameter last: An earlier step makes a file as an older version had it.
    static func migrate(_ db: Database, toStep last: Int = steps.count) throws {
        // A table is replaced by dropping it, which would take along the rows that refer to it; the setting cannot be
        // changed in the transaction.
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        try db.inTransaction(.immediate) {
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard version <= steps.count else {
                throw SchemaTooNew(version: version, newestKnown: steps.count)
            }
            guard version < last else { return .commit }
            for statement in steps[version..<last].joined() { try db.execute(sql: statement) }
            try db.checkForeignKeys()
            try db.execute(sql: "PRAGMA user_version = \(last)")
            return .commit
        }
        try db.execute(sql: "PRAGMA foreign_keys = ON")
    }

    // MARK: Step 1

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

    // MARK: Step 2

    /// What ran under an older version ran: it is active.
    private static let functionChanges = [
        "ALTER TABLE function ADD COLUMN candidate TEXT",  // JSON of FunctionDefinition
        "ALTER TABLE function ADD COLUMN revision TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE function ADD COLUMN state TEXT NOT NULL DEFAULT '{\"active\":{}}'",
        "ALTER TABLE function ADD COLUMN lastUpdate TEXT NOT NULL DEFAULT '{\"successful\":{}}'",
        "ALTER TABLE function ADD COLUMN reservedConcurrency INTEGER",
        "ALTER TABLE function ADD COLUMN tags TEXT NOT NULL DEFAULT '{}'",  // JSON object
        "ALTER TABLE function ADD COLUMN lastVersion INTEGER NOT NULL DEFAULT 0",
        "UPDATE function SET revision = lower(hex(randomblob(16)))",
        """
        CREATE TABLE functionVersion (
            function TEXT NOT NULL REFERENCES function (name) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            definition TEXT NOT NULL, -- JSON of FunctionDefinition
            published INTEGER NOT NULL, -- milliseconds since 1970
            revision TEXT NOT NULL,
            PRIMARY KEY (function, number)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE functionAlias (
            function TEXT NOT NULL REFERENCES function (name) ON DELETE CASCADE,
            name TEXT NOT NULL,
            version TEXT NOT NULL, -- a number or $LATEST
            description TEXT NOT NULL,
            revision TEXT NOT NULL,
            PRIMARY KEY (function, name)
        ) STRICT, WITHOUT ROWID
        """,
    ]

    /// A function may have several mappings to one stream, each under another qualifier.
    private static let mappingChanges = [
        """
        CREATE TABLE newMapping (
            id TEXT NOT NULL PRIMARY KEY,
            function TEXT NOT NULL REFERENCES function (name) ON DELETE CASCADE,
            qualifier TEXT NOT NULL, -- empty for none: null would be unequal to itself
            stream TEXT NOT NULL,
            source TEXT NOT NULL, -- JSON of EventSource
            state TEXT NOT NULL, -- Lambda's word
            tags TEXT NOT NULL, -- JSON object
            lastModified INTEGER NOT NULL, -- milliseconds since 1970
            isFromDefinition INTEGER NOT NULL,
            incarnation TEXT, -- of the stream that the leases are about; null before the first
            UNIQUE (function, qualifier, stream)
        ) STRICT, WITHOUT ROWID
        """,
        """
        INSERT INTO newMapping
        SELECT id, function, '', stream, source, iif(source ->> '$.isEnabled', 'Enabled', 'Disabled'), '{}',
            (SELECT lastModified FROM function WHERE name = mapping.function), TRUE, incarnation
        FROM mapping
        """,
        "DROP TABLE mapping",
        "ALTER TABLE newMapping RENAME TO mapping",
    ]

    /// What is known about a shard beyond its checkpoint.
    ///
    /// Apart from `lease`, so that renewals and checkpoints do not write it again. The window's state, of up to 1 MB, is
    /// apart from the rest, which is JSON.
    private static let progress = """
        CREATE TABLE progress (
            application TEXT NOT NULL,
            leaseKey TEXT NOT NULL,
            progress TEXT NOT NULL, -- JSON of ShardProgress, without the window's state
            windowState BLOB, -- null without a window
            PRIMARY KEY (application, leaseKey),
            FOREIGN KEY (application, leaseKey) REFERENCES lease (application, leaseKey) ON DELETE CASCADE
        ) STRICT
        """

    /// What was given up, and where its delivery stands.
    ///
    /// No reference to `mapping`: failures outlive it.
    private static let failures = """
        CREATE TABLE failure (
            number INTEGER NOT NULL PRIMARY KEY, -- in the order of the commits
            id TEXT NOT NULL UNIQUE,
            mapping TEXT NOT NULL,
            shard TEXT NOT NULL,
            time INTEGER NOT NULL, -- milliseconds since 1970, as all times here
            details TEXT NOT NULL, -- JSON of the rest of BatchFailure, without its event
            target TEXT, -- null without a destination
            attempts INTEGER NOT NULL DEFAULT 0,
            nextAttempt INTEGER, -- null unless it waits for its destination
            lastError TEXT,
            delivered INTEGER -- null until it was
        ) STRICT
        """

    /// Apart from `failure`: a try to deliver writes the row again, and an event has up to some megabytes.
    private static let failureEvents = """
        CREATE TABLE failureEvent (
            number INTEGER NOT NULL PRIMARY KEY REFERENCES failure (number) ON DELETE CASCADE,
            event BLOB NOT NULL
        ) STRICT
        """

    private static let failureIndexes = [
        "CREATE INDEX failureOfMapping ON failure (mapping, number)",
        "CREATE INDEX failureDue ON failure (nextAttempt) WHERE nextAttempt IS NOT NULL",
        "CREATE INDEX failureDueOfTarget ON failure (target, nextAttempt, number) WHERE nextAttempt IS NOT NULL",
        "CREATE INDEX failureSettled ON failure (coalesce(delivered, time)) WHERE nextAttempt IS NULL",
    ]

    // MARK: Step 3

    /// Both columns as KCL 3 names them.
    private static let handOffs = [
        "ALTER TABLE lease ADD COLUMN checkpointOwner TEXT",
        "ALTER TABLE lease ADD COLUMN throughputKBps REAL",
    ]

    private static let workers = """
        CREATE TABLE worker (
            id TEXT NOT NULL PRIMARY KEY,
            counter INTEGER NOT NULL,
            isDrainRequested INTEGER NOT NULL DEFAULT FALSE,
            report TEXT NOT NULL -- JSON of WorkerReport
        ) STRICT, WITHOUT ROWID
        """

    /// Which change of a mapping each worker has carried out last, for whoever waits until all of them have.
    private static let carriedOut = """
        CREATE TABLE carriedOut (
            mapping TEXT NOT NULL REFERENCES mapping (id) ON DELETE CASCADE,
            worker TEXT NOT NULL,
            lastModified INTEGER NOT NULL, -- of the mapping at that time
            PRIMARY KEY (mapping, worker)
        ) STRICT, WITHOUT ROWID
        """

    /// One row: how often functions and mappings were changed, by any process.
    private static let registryChanges = [
        "CREATE TABLE registryChange (number INTEGER NOT NULL) STRICT",
        "INSERT INTO registryChange VALUES (0)",
    ]
}

/// The file was written by a newer version of Millrace.
package struct SchemaTooNew: Error, Hashable, CustomStringConvertible {
    package let version: Int
    package let newestKnown: Int

    package var description: String {
        "it was written by a newer version of millrace: it has schema \(version), this version knows \(newestKnown)"
    }
}
