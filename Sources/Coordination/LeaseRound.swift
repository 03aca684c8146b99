import Logging
import StreamCore

/// One worker's repeated look at its mapping's leases: renew, sync shards, observe, plan, acquire.
struct LeaseRound {
    private let ownership: LeaseOwnership
    private let held: HeldLeases
    private var observations = LeaseObservations()
    private var shards: [Shard] = []
    private var shardsSeenAt: Duration?
    private var planned: [LeaseRow] = []

    init(_ ownership: LeaseOwnership, held: HeldLeases) {
        self.ownership = ownership
        self.held = held
    }

    /// Brings everything up to date and plans what to acquire.
    ///
    /// - Parameter isWoken: Something has changed, so that the shards are listed although their time has not
    ///   come.
    mutating func prepare(isWoken: Bool) async throws {
        planned = []
        if isWoken { shardsSeenAt = nil }
        try await ownership.renew(held)
        let isDue = shardsSeenAt.map { held.now - $0 >= ownership.timing.shardSync } ?? true
        if isDue { try await listShards() }
        let allRows = try await syncedRows()
        let rows = ShardLineage(shards: shards, rows: allRows).workable
        // Only these: a child's silence starts when its parents are finished, not when its row was added.
        observations.observe(rows, at: held.now)
        planned = plan(from: rows).reversed()
    }

    /// - Returns: The next planned lease that no other worker took first; `nil` at the plan's end.
    mutating func acquireNext() async throws -> GainedLease? {
        while let row = planned.popLast() {
            // Trust starts before the write, so that it never outlasts what others observe.
            let asked = held.now
            let store = ownership.store
            guard let lease = try await store.acquire(row.key, seen: row.counter, for: ownership.worker)
            else {
                continue
            }
            ownership.logger.info(
                "lease acquired",
                metadata: [
                    "lease": "\(lease.key)", "counter": "\(lease.counter)", "checkpoint": "\(row.checkpoint)",
                ]
            )
            let gained = GainedLease(lease: lease, checkpoint: row.checkpoint)
            held.add(gained, trustedSince: asked)
            return gained
        }
        return nil
    }

    private mutating func listShards() async throws {
        // Due until it has succeeded.
        shardsSeenAt = nil
        shards = try await ownership.source.shards()
        shardsSeenAt = held.now
    }

    /// The mapping's rows, with those of shards seen for the first time.
    private mutating func syncedRows() async throws -> [LeaseRow] {
        let (store, mapping) = (ownership.store, ownership.mapping)
        var rows = try await store.leases(of: mapping.id)
        if !ShardLineage(shards: shards, rows: rows).stale.isEmpty {
            // The shard may have been closed and finished since the shards were listed. A listing made after
            // the row was read tells that apart from a new stream: a closed shard never opens again.
            try await listShards()
            let stale = ShardLineage(shards: shards, rows: rows).stale
            for key in stale {
                ownership.logger.info("lease of a deleted stream removed", metadata: ["lease": "\(key)"])
                try await store.remove(key)
            }
            rows.removeAll { stale.contains($0.key) }
        }

        let missing = ShardLineage(shards: shards, rows: rows).missing(from: mapping.source.startingPosition)
        guard !missing.isEmpty else { return rows }
        var leases: [NewLease] = []
        for entry in missing {
            let checkpoint = try await ownership.source.pin(entry.start, in: entry.shard.id)
            leases.append(NewLease(shard: entry.shard, checkpoint: checkpoint))
        }
        try await store.add(leases, to: mapping.id)
        return try await store.leases(of: mapping.id)
    }

    private func plan(from rows: [LeaseRow]) -> [LeaseRow] {
        let (now, failover) = (held.now, ownership.timing.failover)
        let candidates = rows.map { row in
            // A lease of ours that we no longer process was lost for want of renewal, and its fence is ours
            // to raise.
            let isMine = row.owner == ownership.worker
            let isFree = isMine || observations.isFree(row, at: now, failover: failover)
            return LeasePlan.Candidate(
                row: row,
                isFree: isFree && !held.contains(row.key),
                silence: observations.silence(of: row, at: now)
            )
        }
        return LeasePlan(candidates: candidates, worker: ownership.worker, failover: failover).acquire
    }
}
