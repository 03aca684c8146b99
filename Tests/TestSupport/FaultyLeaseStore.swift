package import StreamCore
import Synchronization

/// A store whose calls can be held up or made to fail, in front of a real one.
///
/// Several of these before one store are several workers' connections to it.
package final class FaultyLeaseStore: LeaseStore {
    package enum Call: Hashable, Sendable {
        case leases, add, acquire(LeaseKey), requestHandOff(LeaseKey), renew, commit(LeaseKey, ShardCommit),
            progress(LeaseKey), release(LeaseKey), free(LeaseKey), remove(LeaseKey)
    }

    private struct Fault: Error {}

    private struct State {
        var fails: @Sendable (Call) -> Bool = { _ in false }
        var ended: Set<WorkerID> = []
        var unanswered: Set<LeaseKey> = []
    }

    /// Closed, it holds every call up.
    package let gate = Gate(isOpen: true)
    /// The calls that were carried out.
    package let calls = Recorder<Call>()
    private let store: any LeaseStore
    private let state = Mutex(State())

    package init(_ store: any LeaseStore) {
        self.store = store
    }

    /// Makes the calls that meet the condition throw `StoreUnavailable`.
    package func fail(when fails: @escaping @Sendable (Call) -> Bool) {
        state.withLock { $0.fails = fails }
    }

    /// Renews each lease by itself, and this one never.
    package func renewsAllBut(_ key: LeaseKey) {
        state.withLock { _ = $0.unanswered.insert(key) }
    }

    /// The process of this worker is known to have ended: its leases are orphaned.
    package func noteEnd(of worker: WorkerID) {
        state.withLock { _ = $0.ended.insert(worker) }
    }

    package func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        let rows = try await reach(.leases) { try await store.leases(of: mapping) }
        let ended = state.withLock(\.ended)
        return rows.map { row in row.holder.map(ended.contains) == true ? row.orphaned : row }
    }

    package func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try await reach(.add) { try await store.add(shards, to: mapping) }
    }

    package func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        try await reach(.acquire(key)) { try await store.acquire(key, seen: counter, for: worker) }
    }

    package func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws
        -> Bool
    {
        try await reach(.requestHandOff(key)) {
            try await store.requestHandOff(key, from: holder, to: worker)
        }
    }

    package func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        let unanswered = state.withLock(\.unanswered).intersection(leases.map(\.key))
        let lost = try await reach(.renew) {
            try await store.renew(leases.filter { !unanswered.contains($0.key) }, throughput: throughput)
        }
        guard !unanswered.isEmpty else { return lost }
        throw PartlyRenewed(
            lost: lost,
            unanswered: unanswered,
            cause: StoreUnavailable(store: "test", cause: Fault())
        )
    }

    package func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        try await reach(.commit(lease.key, commit)) { try await store.commit(commit, under: lease) }
    }

    package func progress(of key: LeaseKey) async throws -> ShardProgress {
        try await reach(.progress(key)) { try await store.progress(of: key) }
    }

    package func release(_ lease: Lease) async throws {
        try await reach(.release(lease.key)) { try await store.release(lease) }
    }

    package func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await reach(.free(key)) { try await store.free(key, seen: counter) }
    }

    package func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try await reach(.remove(key)) { try await store.remove(key, seen: counter) }
    }

    private func reach<Value>(_ call: Call, _ body: () async throws -> Value) async throws -> Value {
        await gate.pass()
        guard !state.withLock(\.fails)(call) else { throw StoreUnavailable(store: "test", cause: Fault()) }
        let value = try await body()
        calls.append(call)
        return value
    }
}
