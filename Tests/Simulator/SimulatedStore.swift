import StreamCore

/// One worker's connection to the store.
struct SimulatedStore: LeaseStore {
    let store: AuditedStore
    let worker: SimulatedWorker

    func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        try await reach("leases") { try await $0.leases(of: mapping) }
    }

    func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try await reach("add") { try await $0.add(shards, to: mapping) }
    }

    func acquire(_ key: LeaseKey, seen counter: UInt64, for id: WorkerID) async throws -> Lease? {
        let lease = try await reach("acquire") { try await $0.acquire(key, seen: counter, for: id) }
        if let lease { worker.noteGained(lease) }
        return lease
    }

    func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to id: WorkerID) async throws -> Bool {
        try await reach("requestHandOff") { try await $0.requestHandOff(key, from: holder, to: id) }
    }

    func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        try await reach("renew") { try await $0.renew(leases, throughput: throughput) }
    }

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        try await reach("commit") { try await $0.commit(commit, under: lease) }
    }

    func progress(of key: LeaseKey) async throws -> ShardProgress {
        try await reach("progress") { try await $0.progress(of: key) }
    }

    func release(_ lease: Lease) async throws {
        try await reach("release") { try await $0.release(lease) }
    }

    func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await reach("free") { try await $0.free(key, seen: counter) }
    }

    func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await reach("remove") { try await $0.remove(key, seen: counter) }
    }

    private func reach<Value: Sendable>(
        _ call: StaticString,
        _ body: @escaping @Sendable (AuditedStore) async throws -> Value
    ) async throws -> Value {
        // A process that has ended calls nobody.
        if worker.hasCrashed { throw CancellationError() }
        let fate = worker.nextStoreFate(of: call)
        return try await worker.network.call(
            fate,
            failure: StoreUnavailable(store: "simulated", cause: Outage())
        ) { [store] in try await body(store) }
    }
}

/// One worker's connection to where workers report themselves.
struct SimulatedWorkerStore: WorkerStore {
    let store: any WorkerStore
    let worker: SimulatedWorker

    func report(_ report: WorkerReport) async throws -> Bool {
        try await reach("report") { try await $0.report(report) }
    }

    func workers() async throws -> [WorkerRow] { try await reach("workers") { try await $0.workers() } }

    func requestDrain(of id: WorkerID) async throws -> Bool {
        try await reach("requestDrain") { try await $0.requestDrain(of: id) }
    }

    func removeWorker(_ id: WorkerID) async throws {
        try await reach("removeWorker") { try await $0.removeWorker(id) }
    }

    private func reach<Value: Sendable>(
        _ call: StaticString,
        _ body: @escaping @Sendable (any WorkerStore) async throws -> Value
    ) async throws -> Value {
        if worker.hasCrashed { throw CancellationError() }
        return try await worker.network.call(
            worker.nextStoreFate(of: call),
            failure: StoreUnavailable(store: "simulated", cause: Outage())
        ) { [store] in try await body(store) }
    }
}
