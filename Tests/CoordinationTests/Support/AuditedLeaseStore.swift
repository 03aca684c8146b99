import StreamCore
import Synchronization

/// Watches what workers do to their leases, and notes what must never happen.
final class AuditedLeaseStore: LeaseStore {
    private struct State {
        /// The largest counter under which a lease is known to have been acquired.
        var acquired: [LeaseKey: UInt64] = [:]
        var violations: [String] = []
    }

    private let store: any LeaseStore
    private let isDone: @Sendable (ShardID, Checkpoint) -> Bool
    private let state = Mutex(State())

    /// - Parameter isDone: Whether a function has succeeded with everything up to this checkpoint.
    init(_ store: any LeaseStore, isDone: @escaping @Sendable (ShardID, Checkpoint) -> Bool) {
        self.store = store
        self.isDone = isDone
    }

    var violations: [String] { state.withLock(\.violations) }

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        let newest = state.withLock { $0.acquired[lease.key] ?? 0 }
        let isDone = commit.checkpoint.map { self.isDone(lease.key.shard, $0) } ?? true

        try await store.commit(commit, under: lease)

        if !isDone { violate("\(lease.owner) moved \(lease.key) before all of it was done: \(commit)") }
        if lease.counter < newest {
            violate("\(lease.owner) moved \(lease.key), which another worker had acquired")
        }
    }

    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        let lease = try await store.acquire(key, seen: counter, for: worker)
        if let lease { state.withLock { $0.acquired[key] = max($0.acquired[key] ?? 0, lease.counter) } }
        return lease
    }

    func remove(_ key: LeaseKey) async throws {
        violate("the row of \(key) was removed, and its stream was never made anew")
        try await store.remove(key)
    }

    func leases(of mapping: MappingID) async throws -> [LeaseRow] { try await store.leases(of: mapping) }
    func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try await store.add(shards, to: mapping)
    }
    func progress(of key: LeaseKey) async throws -> ShardProgress { try await store.progress(of: key) }
    func renew(_ leases: [Lease]) async throws -> Set<LeaseKey> { try await store.renew(leases) }
    func release(_ lease: Lease) async throws { try await store.release(lease) }

    private func violate(_ what: String) { state.withLock { $0.violations.append(what) } }
}
