import Foundation
import GRDB
import StreamCore
import TestSupport
import Testing

@testable import SQLiteStore

struct CommitTests {
    @Test func `a write that fails takes no other one along`() async throws {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mapping(to: "first")
            let store = SQLiteLeaseStore(database)
            var leases: [Lease] = []
            for shard in 0..<8 { leases.append(try await store.acquired(shard, of: mapping)) }
            try await database.breakFailure("broken")
            let broken = leases[3]
            let block = DispatchSemaphore(value: 0)
            // Meanwhile the commits gather.
            database.schedule { _ in block.wait() }

            let failed = await withTaskGroup(of: LeaseKey?.self) { group in
                for lease in leases {
                    group.addTask {
                        let id = lease == broken ? "broken" : "\(lease.key)"
                        let commit = ShardCommit(
                            checkpoint: .at(7),
                            progress: .set(.window(state: 10)),
                            failures: [.named(id, of: lease.key)]
                        )
                        do {
                            try await store.commit(commit, under: lease)
                            return nil
                        } catch {
                            #expect(error is StoreUnavailable)
                            return lease.key
                        }
                    }
                }
                block.signal()
                return await group.reduce(into: Set<LeaseKey>()) { if let key = $1 { $0.insert(key) } }
            }

            #expect(failed == [broken.key])
            for lease in leases {
                let isBroken = lease == broken
                let checkpoint = try await store.row(lease.key).checkpoint
                #expect(checkpoint == (isBroken ? .start(.trimHorizon) : .at(7)))
                #expect(try await store.progress(of: lease.key).isNone == isBroken)
                let failures = try await SQLiteFailureStore(database).all(of: lease.key)
                #expect(failures.count == (isBroken ? 0 : 1))
            }
        }
    }

    @Test func `on a full disk nothing of a commit is written, and all of it once there is room`()
        async throws
    {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mapping(to: "first")
            let store = SQLiteLeaseStore(database)
            let lease = try await store.acquired(0, of: mapping)
            let other = try await store.acquired(1, of: mapping)
            let before = try await store.row(lease.key)
            let commit = ShardCommit(
                checkpoint: .at(7),
                progress: .set(.window(state: 10)),
                failures: [
                    .named("small", of: lease.key), .named("large", of: lease.key, eventBytes: 1 << 20),
                ]
            )
            try await database.limitPages(beyondNow: 10)

            let failure = await #expect(throws: StoreUnavailable.self) {
                try await store.commit(commit, under: lease)
            }

            #expect("\(try #require(failure))".contains("the disk is full"))
            #expect(try await store.row(lease.key) == before)
            #expect(try await store.progress(of: lease.key) == .none)
            #expect(try await SQLiteFailureStore(database).failures(of: nil, limit: 9).isEmpty)
            try await store.checkpoint(other, at: .at(3))
            try await database.limitPages(beyondNow: 10_000)
            try await store.commit(commit, under: lease)
            #expect(try await store.row(lease.key).checkpoint == .at(7))
            #expect(try await SQLiteFailureStore(database).all(of: lease.key) == commit.failures)
        }
    }

    @Test func `only a commit with failures waits for the disk`() throws {
        let key = LeaseKey(mapping: "00000000-0000-0000-0000-000000000001", shard: "shard")
        let lease = Lease(key: key, owner: "worker-a", counter: 1)
        let usual = ShardCommit(checkpoint: .at(1), progress: .set(.window(state: 1)))
        let failing = ShardCommit(failures: [.named("a", of: key)])

        #expect(try CommitWrite(usual, under: lease).durability == .processCrash)
        #expect(try CommitWrite(failing, under: lease).durability == .powerLoss)
    }

    @Test func `a stored failure wakes who delivers it`() async throws {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mapping(to: "first")
            let signal = WakeSignal()
            let store = SQLiteLeaseStore(database, failureStored: signal)
            let lease = try await store.acquired(0, of: mapping)
            let clock = TestClock()

            try await store.commit(ShardCommit(checkpoint: .at(1)), under: lease)
            async let isWoken = signal.wait(upTo: .seconds(1), on: clock)
            await clock.waitForSleepers()
            try await store.commit(ShardCommit(failures: [.named("a", of: lease.key)]), under: lease)

            #expect(await isWoken)
        }
    }

    @Test func `a window's state of a megabyte comes back byte for byte`() async throws {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mapping(to: "first")
            let store = SQLiteLeaseStore(database)
            let lease = try await store.acquired(0, of: mapping)
            let progress = ShardProgress.window(state: 1 << 20)

            try await store.commit(ShardCommit(progress: .set(progress)), under: lease)

            #expect(try await store.progress(of: lease.key) == progress)
        }
    }
}

extension FunctionRegistry {
    /// The one mapping of a function with one stream.
    func mapping(to stream: StreamName) async throws -> MappingID {
        try await mappings(of: .named("orders", streams: [stream]))[0].id
    }
}

extension ShardProgress {
    static func window(state bytes: Int) -> ShardProgress {
        ShardProgress(
            window: WindowProgress(
                start: Timestamp(milliseconds: 0),
                end: Timestamp(milliseconds: 60_000),
                state: (0..<bytes).map { UInt8(truncatingIfNeeded: $0) }
            )
        )
    }
}

extension SQLiteDatabase {
    /// Has the file refuse one failure.
    func breakFailure(_ id: String) async throws {
        try await transaction { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER broken BEFORE INSERT ON failure WHEN NEW.id = '\(id)'
                    BEGIN SELECT RAISE(ABORT, 'broken'); END
                    """
            )
        }
    }

    func limitPages(beyondNow pages: Int) async throws {
        try await transaction { db in
            let count = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(count + pages)")
        }
    }
}
