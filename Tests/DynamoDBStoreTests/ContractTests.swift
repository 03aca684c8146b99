import Contracts
import StreamCore
import TestSupport
import Testing

@testable import DynamoDBStore

struct ContractTests {
    @Test(arguments: LeaseStoreContract.rules)
    func `leases in DynamoDB keep the contract of lease stores`(
        rule: ContractRule<LeaseStoreContract.Subject>
    ) async throws {
        let first = try await DynamoDB.application(.first)
        let second = try await DynamoDB.application(.second)
        let failures = DynamoDBFailureStore(first)

        try await rule.check(
            LeaseStoreContract.Subject(
                store: StoreOfApplications([first, second]),
                mapping: .first,
                otherMapping: .second,
                failures: { try await failures.all(of: $0) }
            )
        )
    }

    @Test(arguments: FailureStoreContract.rules)
    func `failures in DynamoDB keep the contract of failure stores`(
        rule: ContractRule<FailureStoreContract.Subject>
    ) async throws {
        let application = try await DynamoDB.application()
        let leases = application.store
        let lease = try await leases.acquired(0)

        try await rule.check(
            FailureStoreContract.Subject(
                store: DynamoDBFailureStore(application),
                mapping: .first,
                otherMapping: .second,
                keep: { try await leases.commit(ShardCommit(failures: $0), under: lease) }
            )
        )
    }
}

extension DynamoDBFailureStore {
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

/// Several mappings' stores as one, each with an application of its own.
private struct StoreOfApplications: LeaseStore {
    private let stores: [MappingID: DynamoDBLeaseStore]

    init(_ applications: [DynamoDBApplication]) {
        stores = Dictionary(uniqueKeysWithValues: applications.map { ($0.mapping, $0.store) })
    }

    private func store(of mapping: MappingID) throws -> DynamoDBLeaseStore {
        try #require(stores[mapping])
    }

    func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        try await store(of: mapping).leases(of: mapping)
    }

    func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try await store(of: mapping).add(shards, to: mapping)
    }

    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        try await store(of: key.mapping).acquire(key, seen: counter, for: worker)
    }

    func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws -> Bool {
        try await store(of: key.mapping).requestHandOff(key, from: holder, to: worker)
    }

    func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        var lost: Set<LeaseKey> = []
        for (mapping, leases) in Dictionary(grouping: leases, by: \.key.mapping) {
            lost.formUnion(try await store(of: mapping).renew(leases, throughput: throughput))
        }
        return lost
    }

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        try await store(of: lease.key.mapping).commit(commit, under: lease)
    }

    func progress(of key: LeaseKey) async throws -> ShardProgress {
        try await store(of: key.mapping).progress(of: key)
    }

    func release(_ lease: Lease) async throws { try await store(of: lease.key.mapping).release(lease) }

    func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await store(of: key.mapping).free(key, seen: counter)
    }

    func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await store(of: key.mapping).remove(key, seen: counter)
    }
}
