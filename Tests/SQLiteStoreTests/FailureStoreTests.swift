import Contracts
import SQLiteStore
import StreamCore
import TestSupport
import Testing

struct FailureStoreTests {
    @Test(arguments: FailureStoreContract.rules)
    func `failures in SQLite keep the contract of failure stores`(
        rule: ContractRule<FailureStoreContract.Subject>
    ) async throws {
        try await withDatabase { database, _ in
            let mappings = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first", "second"])
            )
            let leases = SQLiteLeaseStore(database)
            let lease = try await leases.acquired(0, of: mappings[0].id)

            try await rule.check(
                FailureStoreContract.Subject(
                    store: SQLiteFailureStore(database),
                    mapping: mappings[0].id,
                    otherMapping: mappings[1].id,
                    keep: { try await leases.commit(ShardCommit(failures: $0), under: lease) }
                )
            )
        }
    }

    @Test(arguments: FailureStoreContract.rules)
    func `failures in memory keep the contract of failure stores`(
        rule: ContractRule<FailureStoreContract.Subject>
    ) async throws {
        let store = MemoryFailureStore()

        try await rule.check(
            FailureStoreContract.Subject(
                store: store,
                mapping: "00000000-0000-0000-0000-000000000001",
                otherMapping: "00000000-0000-0000-0000-000000000002",
                keep: { store.add($0) }
            )
        )
    }
}
