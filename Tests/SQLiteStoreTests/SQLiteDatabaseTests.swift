import Foundation
import GRDB
import StreamCore
import TestSupport
import Testing

@testable import SQLiteStore

struct SQLiteDatabaseTests {
    @Test func `a commit that must withstand power loss is written with synchronous FULL`() async throws {
        try await withDatabase { database, _ in
            let level: @Sendable (Database) throws -> Int? = {
                try Int.fetchOne($0, sql: "PRAGMA synchronous")
            }

            let usual = try await database.transaction { try level($0) }
            let durable = try await database.transaction(.powerLoss) { try level($0) }
            struct Refusal: Error {}
            await #expect(throws: Refusal.self) {
                try await database.transaction(.powerLoss) { _ in throw Refusal() }
            }
            let after = try await database.transaction { try level($0) }

            #expect(usual == 1)
            #expect(durable == 2)
            #expect(after == 1)
        }
    }

    @Test func `an error rolls the whole transaction back`() async throws {
        try await withDatabase { database, _ in
            let failure = await #expect(throws: StoreUnavailable.self) {
                try await database.transaction { db in
                    try db.execute(
                        sql: "INSERT INTO function (name, definition, lastModified) VALUES ('a', '{}', 1)"
                    )
                    try db.execute(
                        sql: """
                            INSERT INTO mapping VALUES ('id', 'no such function', '', 's', '{}', 'Enabled', '{}', 1, 1, NULL)
                            """
                    )
                }
            }

            #expect(failure?.store == database.path)
            let rows = try await database.transaction {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM function")
            }
            #expect(rows == 0)
        }
    }

    @Test func `a file of a newer schema is refused and left alone`() async throws {
        try await withDatabase { database, directory in
            try await database.transaction { try $0.execute(sql: "PRAGMA user_version = 99") }
            try database.close()

            let failure = #expect(throws: StoreUnavailable.self) { try SQLiteDatabase(directory: directory) }

            #expect((failure?.cause as? SchemaTooNew)?.version == 99)
            #expect("\(try #require(failure))".contains("newer version of millrace"))
        }
    }

    @Test func `a file that is no database is refused by name`() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/\(SQLiteDatabase.fileName)"
            try Data(repeating: 7, count: 4096).write(to: URL(fileURLWithPath: path))

            let failure = #expect(throws: StoreUnavailable.self) { try SQLiteDatabase(directory: directory) }

            #expect(failure?.store == path)
            #expect("\(try #require(failure))".contains("the file is damaged"))
        }
    }

    @Test func `a data directory that cannot be made is refused by name`() async throws {
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/file"
            try Data().write(to: URL(fileURLWithPath: file))

            let failure = #expect(throws: StoreUnavailable.self) {
                try SQLiteDatabase(directory: "\(file)/data")
            }

            #expect((failure?.cause as? DataDirectoryUnusable)?.path == "\(file)/data")
        }
    }

    @Test func `a full disk fails the checkpoint, and the next one succeeds once there is room`() async throws
    {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            let store = SQLiteLeaseStore(database)
            try await database.transaction { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
            }

            let failure = await #expect(throws: StoreUnavailable.self) {
                try await store.add((0..<1000).map { .start($0) }, to: mapping)
            }
            _ = try await database.transaction {
                try Int.fetchOne($0, sql: "PRAGMA max_page_count = 1000000")
            }
            try await store.add((0..<1000).map { .start($0) }, to: mapping)

            #expect("\(try #require(failure))".contains("the disk is full"))
            #expect(try await store.leases(of: mapping).count == 1000)
        }
    }

    @Test func `a full disk fails a worker's report, and the next one succeeds once there is room`()
        async throws
    {
        try await withDatabase { database, _ in
            let store = SQLiteWorkerStore(database)
            let report = WorkerReport(
                worker: "worker-a",
                host: String(repeating: "h", count: 100_000),
                processID: 1,
                started: Timestamp(milliseconds: 1)
            )
            try await database.transaction { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
            }

            let failure = await #expect(throws: StoreUnavailable.self) { try await store.report(report) }
            #expect(try await store.workers().isEmpty)
            _ = try await database.transaction {
                try Int.fetchOne($0, sql: "PRAGMA max_page_count = 1000000")
            }

            #expect(try await store.report(report) == false)
            #expect("\(try #require(failure))".contains("the disk is full"))
            #expect(try await store.workers().map(\.report) == [report])
        }
    }

    @Test func `what is read is of one moment, and others write meanwhile`() async throws {
        try await withDatabase { database, directory in
            let other = SQLiteWorkerStore(try SQLiteDatabase.patient(directory))
            let report = WorkerReport(
                worker: "worker-a",
                host: "host",
                processID: 1,
                started: Timestamp(milliseconds: 1)
            )
            let (isReading, hasWritten) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))

            async let counted = database.reading { db in
                isReading.signal()
                hasWritten.wait()
                return try Int.fetchOne(db, sql: "SELECT count(*) FROM worker")
            }
            try await onOwnThread { isReading.wait() }
            _ = try await other.report(report)
            hasWritten.signal()

            #expect(try await counted == 0)
            #expect(try await SQLiteWorkerStore(database).workers().count == 1)
        }
    }

    @Test func `an error while reading leaves the connection free for the next call`() async throws {
        try await withDatabase { database, _ in
            struct Refusal: Error {}

            await #expect(throws: Refusal.self) { try await database.reading { _ in throw Refusal() } }

            #expect(try await SQLiteWorkerStore(database).workers().isEmpty)
            _ = try await database.transaction { try Int.fetchOne($0, sql: "SELECT 1") }
        }
    }

    @Test func `a call waits for a foreign program that has the file locked`() async throws {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            let store = SQLiteLeaseStore(database)
            try await store.add([.start(0)], to: mapping)
            let key = LeaseKey(mapping: mapping, shard: ShardID(number: 0))
            let lease = try #require(try await store.acquire(key, seen: 0, for: "worker-a"))
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let foreign = try DatabaseQueue(path: database.path, configuration: configuration)
            try await foreign.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }

            async let checkpoint: Void = store.checkpoint(lease, at: .at(7))
            async let renewal = store.renew([lease])
            try await foreign.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try await checkpoint

            #expect(try await renewal.isEmpty)
            #expect(try await store.leases(of: mapping).map(\.checkpoint) == [.at(7)])
        }
    }

    @Test func `a cancelled task's write is carried out`() async throws {
        try await withDatabase { database, _ in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await database.transaction {
                    try $0.execute(
                        sql: "INSERT INTO function (name, definition, lastModified) VALUES ('a', '{}', 1)"
                    )
                }
            }

            try await task.value

            let rows = try await database.transaction {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM function")
            }
            #expect(rows == 1)
        }
    }

    @Test func `calls on a closed database fail with its path`() async throws {
        try await withDatabase { database, _ in
            let store = SQLiteLeaseStore(database)
            try database.close()

            let failure = await #expect(throws: StoreUnavailable.self) {
                try await store.leases(of: "00000000-0000-0000-0000-000000000001")
            }

            #expect(failure?.store == database.path)
        }
    }
}
