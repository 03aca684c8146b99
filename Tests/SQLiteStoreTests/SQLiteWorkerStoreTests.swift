import Contracts
import Foundation
import SQLiteStore
import StreamCore
import TestSupport
import Testing

struct SQLiteWorkerStoreTests {
    @Test(arguments: WorkerStoreContract.rules)
    func `workers in SQLite keep the contract of worker stores`(
        rule: ContractRule<WorkerStoreContract.Subject>
    ) async throws {
        try await withDatabase { database, _ in
            try await rule.check(WorkerStoreContract.Subject(store: SQLiteWorkerStore(database)))
        }
    }

    @Test(arguments: WorkerStoreContract.rules)
    func `workers in memory keep the contract of worker stores`(
        rule: ContractRule<WorkerStoreContract.Subject>
    ) async throws {
        try await rule.check(WorkerStoreContract.Subject(store: MemoryWorkerStore()))
    }

    @Test func `a worker whose process has ended is known to be dead, and its leases orphaned`() async throws
    {
        try await withDatabase { database, directory in
            let isDead = { @Sendable worker in WorkerPresence.isDead(worker, directory: directory) }
            let workers = SQLiteWorkerStore(database, isDead: isDead)
            let store = SQLiteLeaseStore(database, isDead: isDead)
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            var presence: WorkerPresence? = try WorkerPresence(of: "worker-a", directory: directory)
            let lease = try await store.acquired(0, of: mapping)
            _ = try await workers.report(
                WorkerReport(
                    worker: "worker-a",
                    host: "host",
                    processID: 1,
                    started: Timestamp(milliseconds: 1)
                )
            )
            // Who asks for a lease of it is not taken for its holder.
            #expect(try await store.requestHandOff(lease.key, from: "worker-a", to: "worker-b"))
            #expect(try await workers.workers().map(\.isDead) == [false])
            #expect(try await store.row(lease.key).isOrphaned == false)

            withExtendedLifetime(presence) {}
            presence = nil

            #expect(try await workers.workers().map(\.isDead) == [true])
            #expect(try await store.row(lease.key).isOrphaned)
        }
    }

    @Test func `a worker that starts while others find the one before it dead is not taken for dead`()
        async throws
    {
        try await withDatabase { _, directory in
            let path = directory + "/workers/worker-a.lock"
            let before = try WorkerPresence(of: "worker-b", directory: directory)
            // What an observer has open, between finding the lock free and removing the file.
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            try #require(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)

            async let begun = onOwnThread {
                try WorkerPresence(of: "worker-a", directory: directory, within: .seconds(600))
            }
            unlink(path)
            close(descriptor)
            let presence = try await begun

            #expect(!WorkerPresence.isDead("worker-a", directory: directory))
            #expect(!WorkerPresence.isDead("worker-b", directory: directory))
            withExtendedLifetime((before, presence)) {}
        }
    }
}
