package import StreamCore
import Synchronization

/// A lease store in memory, for workers and simulations.
///
/// It passes the contract of lease stores.
package final class MemoryLeaseStore: LeaseStore {
    private struct Row {
        var owner: WorkerID?
        var counter: UInt64 = 0
        var fence: UInt64 = 0
        var checkpoint: Checkpoint
        var progress = ShardProgress.none
        let parents: [ShardID]

        func isHeld(by lease: Lease) -> Bool { owner == lease.owner && fence == lease.counter }
    }

    private let rows = Mutex<[LeaseKey: Row]>([:])
    /// They outlive their rows.
    private let filed = Mutex<[LeaseKey: [BatchFailure]]>([:])

    package init() {}

    package func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        rows.withLock { rows in
            rows.filter { $0.key.mapping == mapping }.sorted { $0.key < $1.key }.map { key, row in
                LeaseRow(
                    key: key,
                    owner: row.owner,
                    counter: row.counter,
                    checkpoint: row.checkpoint,
                    parents: row.parents
                )
            }
        }
    }

    package func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        rows.withLock { rows in
            for new in shards {
                let key = LeaseKey(mapping: mapping, shard: new.shard.id)
                guard rows[key] == nil else { continue }
                rows[key] = Row(checkpoint: new.checkpoint, parents: new.shard.parents)
            }
        }
    }

    package func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        rows.withLock { rows in
            guard var row = rows[key], row.counter == counter else { return nil }
            row.counter += 1
            row.fence = row.counter
            row.owner = worker
            rows[key] = row
            return Lease(key: key, owner: worker, counter: row.fence)
        }
    }

    package func renew(_ leases: [Lease]) async throws -> Set<LeaseKey> {
        let lost = leases.filter { lease in !change(lease) { _ in } }
        return Set(lost.map(\.key))
    }

    package func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        let isHeld = change(lease) { row in
            if let checkpoint = commit.checkpoint, row.checkpoint < checkpoint { row.checkpoint = checkpoint }
            if case .set(let progress) = commit.progress { row.progress = progress }
            file(commit.failures, of: lease.key)
        }
        guard isHeld else { throw LeaseLost(key: lease.key) }
    }

    package func progress(of key: LeaseKey) async throws -> ShardProgress {
        rows.withLock { $0[key]?.progress ?? .none }
    }

    /// What was given up of a shard, in order.
    package func failures(of key: LeaseKey) -> [BatchFailure] { filed.withLock { $0[key] ?? [] } }

    /// A commit may be repeated when its answer was lost: each failure is kept once.
    private func file(_ failures: [BatchFailure], of key: LeaseKey) {
        guard !failures.isEmpty else { return }
        filed.withLock { filed in
            let known = Set(filed[key, default: []].map(\.id))
            filed[key, default: []] += failures.filter { !known.contains($0.id) }
        }
    }

    package func release(_ lease: Lease) async throws {
        _ = change(lease) { row in row.owner = nil }
    }

    package func remove(_ key: LeaseKey) async throws {
        rows.withLock { _ = $0.removeValue(forKey: key) }
    }

    /// Changes the lease's row and raises its counter.
    ///
    /// - Returns: `false` when the lease is lost; nothing is changed then.
    private func change(_ lease: Lease, _ body: (inout Row) -> Void) -> Bool {
        rows.withLock { rows in
            guard var row = rows[lease.key], row.isHeld(by: lease) else { return false }
            body(&row)
            row.counter += 1
            rows[lease.key] = row
            return true
        }
    }
}
