package import StreamCore
import Synchronization

/// A lease store in memory, for workers and simulations.
///
/// It passes the contract of lease stores.
package final class MemoryLeaseStore: LeaseStore {
    private struct Row {
        var owner: WorkerID?
        var checkpointOwner: WorkerID?
        var counter: UInt64 = 0
        /// The counter under which the holder acquired the lease; `nil` while nobody holds it.
        var fence: UInt64?
        var checkpoint: Checkpoint
        var progress = ShardProgress.none
        var children: [ShardID] = []
        var throughput: Double?
        let shard: Shard

        func isHeld(by lease: Lease) -> Bool {
            (checkpointOwner ?? owner) == lease.owner && fence == lease.counter
        }
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
                    checkpointOwner: row.checkpointOwner,
                    counter: row.counter,
                    checkpoint: row.checkpoint,
                    parents: row.shard.parents,
                    children: row.children,
                    hashKeyRange: row.shard.hashKeyRange,
                    throughput: row.throughput
                )
            }
        }
    }

    package func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        rows.withLock { rows in
            for new in shards {
                let key = LeaseKey(mapping: mapping, shard: new.shard.id)
                guard rows[key] == nil else { continue }
                rows[key] = Row(checkpoint: new.checkpoint, shard: new.shard)
                for parent in new.shard.parents {
                    rows[LeaseKey(mapping: mapping, shard: parent)]?.children.append(new.shard.id)
                }
            }
        }
    }

    package func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        rows.withLock { rows in
            guard var row = rows[key], row.counter == counter else { return nil }
            row.counter += 1
            row.fence = row.counter
            row.owner = worker
            row.checkpointOwner = nil
            rows[key] = row
            return Lease(key: key, owner: worker, counter: row.counter)
        }
    }

    package func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws
        -> Bool
    {
        rows.withLock { rows in
            guard let row = rows[key], row.owner == holder, row.checkpointOwner == nil, row.fence != nil
            else {
                return false
            }
            rows[key]?.checkpointOwner = holder
            rows[key]?.owner = worker
            return true
        }
    }

    package func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        let lost = leases.filter { lease in
            !change(lease) { row in row.throughput = throughput[lease.key] ?? row.throughput }
        }
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
        _ = change(lease) { row in
            if row.checkpointOwner == nil { row.owner = nil }
            row.checkpointOwner = nil
            row.fence = nil
        }
    }

    package func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        rows.withLock { rows in
            guard var row = rows[key], row.counter == counter else { return false }
            (row.owner, row.checkpointOwner, row.fence) = (nil, nil, nil)
            row.counter += 1
            rows[key] = row
            return true
        }
    }

    package func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        rows.withLock { rows in
            guard rows[key]?.counter == counter else { return false }
            rows[key] = nil
            return true
        }
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
