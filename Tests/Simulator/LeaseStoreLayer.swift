import StreamCore

/// A lease store in front of another: what it does not say itself is the other's.
protocol LeaseStoreLayer: LeaseStore {
    var below: any LeaseStore { get }
}

extension LeaseStoreLayer {
    func leases(of mapping: MappingID) async throws -> [LeaseRow] { try await below.leases(of: mapping) }

    func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try await below.add(shards, to: mapping)
    }

    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        try await below.acquire(key, seen: counter, for: worker)
    }

    func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws -> Bool {
        try await below.requestHandOff(key, from: holder, to: worker)
    }

    func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        try await below.renew(leases, throughput: throughput)
    }

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        try await below.commit(commit, under: lease)
    }

    func progress(of key: LeaseKey) async throws -> ShardProgress { try await below.progress(of: key) }

    func release(_ lease: Lease) async throws { try await below.release(lease) }

    func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await below.free(key, seen: counter)
    }

    func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await below.remove(key, seen: counter)
    }
}
