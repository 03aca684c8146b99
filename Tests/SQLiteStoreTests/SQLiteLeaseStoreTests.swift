import Contracts
import Foundation
import GRDB
import StreamCore
import TestSupport
import Testing

@testable import SQLiteStore

struct SQLiteLeaseStoreTests {
    @Test(arguments: LeaseStoreContract.rules)
    func `leases in SQLite keep the contract of lease stores`(
        rule: ContractRule<LeaseStoreContract.Subject>
    ) async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let mappings = try await registry.mappings(of: .named("orders", streams: ["first", "second"]))

            try await rule.check(
                LeaseStoreContract.Subject(
                    store: SQLiteLeaseStore(database),
                    mapping: mappings[0].id,
                    otherMapping: mappings[1].id,
                    failures: { try await SQLiteFailureStore(database).all(of: $0) }
                )
            )
        }
    }

    @Test(arguments: LeaseStoreContract.rules)
    func `leases in memory keep the contract of lease stores`(
        rule: ContractRule<LeaseStoreContract.Subject>
    ) async throws {
        let store = MemoryLeaseStore()

        try await rule.check(
            LeaseStoreContract.Subject(
                store: store,
                mapping: "00000000-0000-0000-0000-000000000001",
                otherMapping: "00000000-0000-0000-0000-000000000002",
                failures: { store.failures(of: $0) }
            )
        )
    }

    @Test func `checkpoints and owners outlive the store that wrote them`() async throws {
        try await withDatabase { database, directory in
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            let store = SQLiteLeaseStore(database)
            try await store.add([.start(0)], to: mapping)
            let key = LeaseKey(mapping: mapping, shard: ShardID(number: 0))
            let lease = try #require(try await store.acquire(key, seen: 0, for: "worker-a"))
            try await store.checkpoint(lease, at: .at(7))
            try database.close()

            let reopened = SQLiteLeaseStore(try SQLiteDatabase(directory: directory))

            let row = try #require(try await reopened.leases(of: mapping).first)
            #expect(row.checkpoint == .at(7))
            #expect(row.owner == "worker-a")
            try await reopened.checkpoint(lease, at: .at(8))
        }
    }

    @Test func `shards of a mapping that was removed cannot be added`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let mapping = try await registry.mappings(of: .named("orders", streams: ["first"]))[0].id
            let store = SQLiteLeaseStore(database)
            try await store.add([.start(0)], to: mapping)

            try await registry.remove("orders")

            #expect(try await store.leases(of: mapping).isEmpty)
            await #expect(throws: MappingNotFound(mapping: mapping)) {
                try await store.add([.start(0)], to: mapping)
            }
        }
    }

    @Test func `a thousand leases are renewed at once, and each lost one is named`() async throws {
        try await withDatabase { database, _ in
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            let store = SQLiteLeaseStore(database)
            try await store.add((0..<1000).map { .start($0) }, to: mapping)
            var leases: [Lease] = []
            for row in try await store.leases(of: mapping) {
                let owner: WorkerID = "worker with \"quotes\" and 'others'"
                leases.append(try #require(try await store.acquire(row.key, seen: row.counter, for: owner)))
            }
            try await store.release(leases[500])

            let lost = try await store.renew(leases)

            #expect(lost == [leases[500].key])
            let counters = Set(try await store.leases(of: mapping).map(\.counter))
            #expect(counters == [2])
        }
    }

    @Test(arguments: [LeaseSQL.renew, LeaseSQL.selectHeld])
    func `each renewal goes to its row by the whole key, and no row is looked at twice`(sql: String)
        async throws
    {
        try await withDatabase { database, _ in
            let plan = try await database.transaction { db in
                try String.fetchAll(
                    db,
                    sql: "EXPLAIN QUERY PLAN \(sql)",
                    arguments: ["mapping", "worker", #"{"shard":"1 "}"#],
                    adapter: SuffixRowAdapter(fromIndex: 3)
                )
            }

            #expect(plan.count == 2)
            #expect(plan.first?.hasPrefix("SCAN renewal") == true)
            #expect(plan.last == "SEARCH lease USING PRIMARY KEY (application=? AND leaseKey=?)")
        }
    }
}

extension SQLiteFailureStore {
    /// A shard's failures with their events, in the order of their commits.
    func all(of key: LeaseKey) async throws -> [BatchFailure] {
        var failures: [BatchFailure] = []
        for stored in try await self.failures(of: key.mapping, limit: 1000).reversed()
        where stored.failure.shard == key.shard {
            failures.append(try #require(try await failure(stored.failure.id)).failure)
        }
        return failures
    }
}
