import Foundation
import GRDB
import StreamCore
import TestSupport
import Testing

@testable import SQLiteStore

struct MigrationTests {
    @Test func `a file of the first schema keeps its functions, mappings, leases and checkpoints`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            try FirstSchema.makeFile(in: directory)

            let database = try SQLiteDatabase(directory: directory)

            let function = try #require(try await FunctionRegistry(database).functions().first)
            #expect(function.definition.handler == "app.handler")
            #expect(function.definition.description == "")
            #expect(function.state == .active)
            #expect(function.lastUpdate == .successful)
            #expect(function.lastModified == Timestamp(milliseconds: 1234))
            #expect(function.revisionID.isEmpty == false)
            #expect(function.mappings.map(\.state) == [.enabled, .disabled])
            #expect(function.mappings.map(\.id) == [FirstSchema.mapping, FirstSchema.pausedMapping])
            #expect(function.mappings.allSatisfy { $0.isFromDefinition && $0.qualifier == nil })
            #expect(function.mappings[0].lastModified == Timestamp(milliseconds: 1234))
            #expect(function.mappings[0].source.batchSize == 50)
            #expect(function.mappings[0].source.maximumRetryAttempts == nil)
            let store = SQLiteLeaseStore(database)
            let row = try await store.row(FirstSchema.lease.key)
            #expect(row.checkpoint == .at(41))
            #expect(row.owner == "worker-a")
        }
    }

    @Test func `a migrated file takes every kind of write, and removes leases with their mapping`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            try FirstSchema.makeFile(in: directory)
            let database = try SQLiteDatabase(directory: directory)
            let registry = FunctionRegistry(database)
            let store = SQLiteLeaseStore(database)
            let lease = FirstSchema.lease

            // The stream is the same as before: its leases stay.
            try await registry.bind(lease.key.mapping, toIncarnation: "incarnation")
            try await store.commit(
                ShardCommit(
                    checkpoint: .at(42),
                    progress: .set(.window(state: 3)),
                    failures: [.named("a", of: lease.key)]
                ),
                under: lease
            )
            #expect(try await store.row(lease.key).checkpoint == .at(42))
            #expect(try await store.progress(of: lease.key) == .window(state: 3))

            try await registry.remove("orders")

            #expect(try await registry.mappings().isEmpty)
            #expect(try await store.leases(of: lease.key.mapping).isEmpty)
            #expect(try await store.progress(of: lease.key) == .none)
            #expect(try await SQLiteFailureStore(database).failure("a") != nil)
        }
    }

    @Test func `a file of the second schema keeps its rows, and takes hand-offs, workers and changes`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            try SecondSchema.makeFile(in: directory)

            let database = try SQLiteDatabase(directory: directory)

            let store = SQLiteLeaseStore(database)
            let lease = FirstSchema.lease
            let before = try await store.row(lease.key)
            #expect(before.owner == "worker-a")
            #expect(before.checkpointOwner == nil)
            #expect(before.throughput == nil)
            #expect(before.checkpoint == .at(41))
            #expect(try await store.progress(of: lease.key) == .window(state: 7))
            #expect(try await SQLiteFailureStore(database).failure("old")?.failure.shard == lease.key.shard)
            #expect(try await store.requestHandOff(lease.key, from: "worker-a", to: "worker-b"))
            #expect(try await store.renew([lease], throughput: [lease.key: 2]).isEmpty)
            try await store.release(lease)
            #expect(try await store.row(lease.key).owner == "worker-b")
            #expect(try await SQLiteWorkerStore(database).workers().isEmpty)
            let registry = FunctionRegistry(database)
            let mapping = try #require(try await registry.mapping(lease.key.mapping))
            try await registry.noteCarriedOut(mapping, by: "worker-b")
            #expect(try await registry.carriedOut(mapping.id) == ["worker-b": mapping.lastModified])
            try await registry.remove("orders")
            #expect(try await store.leases(of: mapping.id).isEmpty)
        }
    }

    @Test func `two that open an older file at the same time both succeed`() async throws {
        try await withTemporaryDirectory { directory in
            try FirstSchema.makeFile(in: directory)

            async let first = onOwnThread { try SQLiteDatabase.patient(directory) }
            async let second = onOwnThread { try SQLiteDatabase.patient(directory) }

            let one = try await FunctionRegistry(first).functions()
            #expect(try await FunctionRegistry(second).functions() == one)
            #expect(one.count == 1)
        }
    }

    @Test func `references are watched in a file that was made new as in one that was migrated`() async throws
    {
        try await withDatabase { database, directory in
            _ = try SQLiteDatabase(directory: directory)

            let isOn = try await database.transaction { try Bool.fetchOne($0, sql: "PRAGMA foreign_keys") }

            #expect(isOn == true)
        }
    }
}

/// A file as the first released schema made it; never changed.
private enum FirstSchema {
    static let mapping: MappingID = "00000000-0000-0000-0000-00000000000a"
    static let pausedMapping: MappingID = "00000000-0000-0000-0000-00000000000b"
    static let lease = Lease(
        key: LeaseKey(mapping: mapping, shard: ShardID(number: 0)),
        owner: "worker-a",
        counter: 3
    )

    static func makeFile(in directory: String) throws {
        let file = try DatabaseQueue(path: "\(directory)/\(SQLiteDatabase.fileName)")
        try file.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: tables)
            try db.execute(sql: rows)
        }
        try file.close()
    }

    private static let tables = """
        CREATE TABLE function (
            name TEXT NOT NULL PRIMARY KEY,
            definition TEXT NOT NULL, -- JSON of FunctionDefinition
            lastModified INTEGER NOT NULL -- milliseconds since 1970
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE mapping (
            id TEXT NOT NULL PRIMARY KEY,
            function TEXT NOT NULL REFERENCES function (name) ON DELETE CASCADE,
            stream TEXT NOT NULL,
            source TEXT NOT NULL, -- JSON of EventSource
            incarnation TEXT, -- of the stream that the leases are about; null before the first
            UNIQUE (function, stream)
        ) STRICT, WITHOUT ROWID;
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
        ) STRICT, WITHOUT ROWID;
        PRAGMA user_version = 1;
        """

    private static let source = """
        {"batchSize":50,"batchWindowSeconds":0,"isEnabled":true,"startingPosition":{"trimHorizon":{}},"stream":"first"}
        """

    private static let pausedSource = """
        {"batchSize":100,"batchWindowSeconds":5,"isEnabled":false,"startingPosition":{"latest":{}},"stream":"second"}
        """

    private static let rows = """
        INSERT INTO function VALUES ('orders', '{"codeDirectory":"/functions/orders","concurrencyLimit":10,\
        "environment":{},"eventSources":[\(source),\(pausedSource)],"handler":"app.handler","memoryMegabytes":128,\
        "name":"orders","runtime":"python3.12","timeoutSeconds":3}', 1234);
        INSERT INTO mapping VALUES ('\(mapping)', 'orders', 'first', '\(source)', 'incarnation');
        INSERT INTO mapping VALUES ('\(pausedMapping)', 'orders', 'second', '\(pausedSource)', NULL);
        INSERT INTO lease (
            application, leaseKey, leaseOwner, leaseCounter, fence, checkpoint, parentShardId, startingHashKey,
            endingHashKey
        ) VALUES ('\(mapping)', '\(lease.key.shard)', 'worker-a', 9, 3, '41', '[]', '0', '1');
        """
}

/// A file of the second released schema with rows in all of its tables.
private enum SecondSchema {
    static func makeFile(in directory: String) throws {
        try FirstSchema.makeFile(in: directory)
        let file = try DatabaseQueue(path: "\(directory)/\(SQLiteDatabase.fileName)")
        try file.writeWithoutTransaction { db in
            try Schema.migrate(db, toStep: 2)
            let key = FirstSchema.lease.key
            try ProgressColumns(.window(state: 7)).insert(for: key, in: db)
            try FailureColumns(.named("old", of: key)).insert(in: db)
        }
        try file.close()
    }
}

extension ProgressColumns {
    fileprivate func insert(for key: LeaseKey, in db: Database) throws {
        try db.execute(
            sql: LeaseSQL.setProgress,
            arguments: [key.mapping.text, key.shard.text, json, windowState]
        )
    }
}
