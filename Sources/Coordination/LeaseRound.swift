import Logging
import StreamCore

/// One worker's repeated look at its mapping's leases: sync shards, observe, plan, ask, acquire.
///
/// Renewing goes on beside it, however long a look takes.
struct LeaseRound {
    private let ownership: LeaseOwnership
    private let held: HeldLeases
    private var observations: LeaseObservations
    private let logPace: LogPace
    private var audit = HashRangeAudit()
    private var auditedAt: Duration?
    /// Since when rows are seen to be of no use.
    private var removableSince: [LeaseKey: Duration] = [:]
    private var shards: [Shard] = []
    private var shardsSeenAt: Duration?
    private var balancedAt: Duration
    private var planned: [LeaseRow] = []
    private var observedAt = Duration.zero
    private var plannedWait: Duration
    /// Others were faster: what was planned did not come about.
    private var isOvertaken = false

    init(_ ownership: LeaseOwnership, held: HeldLeases) {
        self.ownership = ownership
        self.held = held
        observations = LeaseObservations(longestGap: ownership.timing.failover * 3)
        logPace = LogPace(clock: ownership.clock)
        balancedAt = held.now
        plannedWait = ownership.timing.renewal
    }

    /// When to look again, unless woken.
    var wait: Duration { isOvertaken ? timing.handOffCheck : plannedWait }

    /// The most rows of finished shards that one look removes.
    private static let mostRemovals = 100
    /// With fewer leases reading them all costs next to nothing.
    private static let fewLeases = 200

    private var timing: LeaseTiming { ownership.timing }

    /// Brings everything up to date and plans what to acquire.
    ///
    /// - Parameter isWoken: Something has changed, so that the shards are listed although their time has not
    ///   come.
    mutating func prepare(isWoken: Bool) async throws {
        planned = []
        (plannedWait, isOvertaken) = (timing.renewal, false)
        if isWoken { shardsSeenAt = nil }
        let isDue = shardsSeenAt.map { held.now - $0 >= timing.shardSync } ?? true
        if isDue { try await listShardsIfPossible() }
        await ownership.roster?.look()
        let planning = try await ownership.planning()
        var rows = try await syncedRows()
        if isDue, shardsSeenAt != nil, planning == .own { rows = try await tidied(rows) }
        noteHandOffs(rows)

        let workable = ShardLineage(shards: shards, rows: rows).workable
        // Only these: a child's silence starts when its parents are finished, not when its row was added.
        observedAt = held.now
        observations.observe(workable, at: observedAt)
        note(rows)
        let plan = plan(from: workable, planning)
        planned = plan.acquire.reversed()
        for row in plan.requests { try await request(row) }
        plannedWait = nextWait(workable, plan)
    }

    /// - Returns: The next planned lease that no other worker took first; `nil` at the plan's end.
    mutating func acquireNext() async throws -> GainedLease? {
        while let row = planned.popLast() {
            // Trust starts before the write, so that it never outlasts what others observe.
            let asked = held.now
            let store = ownership.store
            guard let lease = try await store.acquire(row.key, seen: row.counter, for: ownership.worker)
            else {
                isOvertaken = true
                continue
            }
            ownership.logger.info(
                "lease acquired",
                metadata: [
                    "lease": "\(lease.key)", "counter": "\(lease.counter)", "checkpoint": "\(row.checkpoint)",
                    "before": "\(row.holder?.text ?? "nobody")", "was": "\(vacancy(of: row))",
                ]
            )
            let gained = GainedLease(lease: lease, checkpoint: row.checkpoint)
            held.add(gained, trustedSince: asked)
            return gained
        }
        return nil
    }

    /// Why the lease could be taken.
    private func vacancy(of row: LeaseRow) -> String {
        if row.owner == nil { return "free" }
        if observations.silence(of: row, at: observedAt) >= timing.failover { return "expired" }
        return row.isOrphaned ? "orphaned" : "kept"
    }

    /// Frees what is kept for this worker and is not going to be taken by it.
    func giveBack() async throws {
        for row in try await ownership.store.leases(of: ownership.mapping.id)
        where row.owner == ownership.worker && row.handOff == nil {
            _ = try await ownership.store.free(row.key, seen: row.counter)
        }
    }

    private func request(_ row: LeaseRow) async throws {
        guard let holder = row.owner else { return }
        let (store, worker) = (ownership.store, ownership.worker)
        guard try await store.requestHandOff(row.key, from: holder, to: worker) else { return }
        ownership.logger.info("lease asked for", metadata: ["lease": "\(row.key)", "holder": "\(holder)"])
    }

    /// Lets those shards finish their batches whose leases others have asked for.
    private func noteHandOffs(_ rows: [LeaseRow]) {
        for row in rows where row.checkpointOwner == ownership.worker {
            guard held.handOver(row.key, within: timing.handOff) else { continue }
            ownership.logger.info(
                "lease is handed over",
                metadata: ["lease": "\(row.key)", "to": "\(row.owner?.text ?? "nobody")"]
            )
        }
    }

    private func note(_ rows: [LeaseRow]) {
        guard let views = ownership.views else { return }
        let workers = ownership.roster?.workers ?? []
        views.note(
            LeaseStatus.Facts(
                rows: rows,
                observations: observations,
                liveness: Dictionary(
                    workers.map { ($0.row.worker, $0.isAlive) },
                    uniquingKeysWith: { $1 }
                ),
                now: held.now,
                timing: timing,
                isWorkerAtLimit: ownership.rules.maxLeases.map { held.keys.count >= $0 } ?? false
            ),
            holes: audit.confirmed,
            of: ownership.mapping.id,
            at: held.stopwatch
        )
    }
}

// MARK: - Shards and their rows

extension LeaseRound {
    private mutating func listShards() async throws {
        // Due until it has succeeded.
        shardsSeenAt = nil
        shards = try await ownership.source.shards()
        shardsSeenAt = held.now
    }

    /// A stream that cannot be listed for now does not keep leases from moving.
    private mutating func listShardsIfPossible() async throws {
        do { try await listShards() } catch let error
            where !shards.isEmpty && !(error is StreamNotFound) && !(error is CancellationError)
        {
            ownership.logger.log(
                level: logPace.level(.warning),
                "shards not listed; those known last are planned with",
                metadata: ["error": "\(error)"]
            )
        }
    }

    /// The mapping's rows, with those of shards seen for the first time.
    private mutating func syncedRows() async throws -> [LeaseRow] {
        let (store, mapping) = (ownership.store, ownership.mapping)
        let seenAt = held.now
        var rows = try await store.leases(of: mapping.id)
        let start = mapping.source.startingPosition
        var lineage = ShardLineage(shards: shards, rows: rows)
        if !lineage.stale.isEmpty || !lineage.missing(from: start).isEmpty, !rows.isEmpty {
            // A shard may have been closed and finished since the shards were listed, and its row removed. A listing
            // made after the rows were read tells that apart from a new stream or shard: a closed one never opens again.
            try await listShards()
            lineage = ShardLineage(shards: shards, rows: rows)
            let stale = lineage.stale
            for row in stale where try await store.remove(row.key, seen: row.counter) {
                ownership.logger.info("lease of a deleted stream removed", metadata: ["lease": "\(row.key)"])
            }
            rows.removeAll { row in stale.contains { $0.key == row.key } }
            lineage = ShardLineage(shards: shards, rows: rows)
        }
        let missing = lineage.missing(from: start)
        return missing.isEmpty ? rows : try await add(missing, seenAt: seenAt)
    }

    private func add(_ missing: [ShardLineage.Missing], seenAt: Duration) async throws -> [LeaseRow] {
        var leases: [NewLease] = []
        for entry in missing {
            let checkpoint = try await ownership.source.pin(entry.start, in: entry.shard.id)
            leases.append(NewLease(shard: entry.shard, checkpoint: checkpoint))
        }
        // Others may have added these rows, finished their shards and removed them since.
        guard held.now - seenAt < timing.longestView else { throw ViewTooOld(mapping: ownership.mapping.id) }
        try await ownership.store.add(leases, to: ownership.mapping.id)
        return try await ownership.store.leases(of: ownership.mapping.id)
    }

    /// Removes rows that nothing waits for, and looks for hash keys that no row takes.
    private mutating func tidied(_ rows: [LeaseRow]) async throws -> [LeaseRow] {
        var rows = rows
        let now = held.now
        let removable = ShardLineage(shards: shards, rows: rows).removable
        let since = removableSince
        removableSince = Dictionary(
            removable.map { ($0.key, since[$0.key] ?? now) },
            uniquingKeysWith: { first, _ in first }
        )
        let due = removable.filter { now - (since[$0.key] ?? now) >= timing.keepFinished }
        for row in due.prefix(Self.mostRemovals)
        where try await ownership.store.remove(row.key, seen: row.counter) {
            ownership.logger.info("lease of a finished shard removed", metadata: ["lease": "\(row.key)"])
            rows.removeAll { $0.key == row.key }
        }
        // Looks that follow each other closely would find the same reshard under way.
        if let auditedAt, held.now - auditedAt < timing.shardSync { return rows }
        auditedAt = held.now
        let lineage = ShardLineage(shards: shards, rows: rows)
        let found = audit.note(lineage.holes ?? [])
        guard !found.isEmpty else { return rows }
        let filling = lineage.filling(found)
        ownership.logger.error(
            "no lease takes the records of some hash keys",
            metadata: [
                "ranges": "\(found.map { "\($0.start)-\($0.end)" }.joined(separator: ", "))",
                "added": "\(filling.map(\.shard.id.text).joined(separator: ", "))",
            ]
        )
        return filling.isEmpty ? rows : try await add(filling, seenAt: now)
    }
}

/// The worker was held up since it read the rows; it looks again.
struct ViewTooOld: Error, CustomStringConvertible {
    let mapping: MappingID

    var description: String { "the leases of \(mapping) were read too long ago to add to them" }
}

// MARK: - The plan

extension LeaseRound {
    private mutating func plan(from rows: [LeaseRow], _ planning: LeasePlanning) -> LeasePlan {
        let (now, keys) = (held.now, held.keys)
        let candidates = rows.map { row in
            LeasePlan.Candidate(
                row: row,
                state: state(of: row, isHeld: keys.contains(row.key), at: now),
                silence: observations.silence(of: row, at: now)
            )
        }
        guard planning == .own else { return LeasePlan(following: candidates, worker: ownership.worker) }
        let isBalanceDue = now - balancedAt >= timing.balance
        if isBalanceDue { balancedAt = now }
        return LeasePlan(
            candidates: candidates,
            members: ownership.roster?.members ?? [],
            worker: ownership.worker,
            rules: ownership.rules,
            isBalanceDue: isBalanceDue
        )
    }

    private func state(of row: LeaseRow, isHeld: Bool, at now: Duration) -> LeasePlan.Candidate.State {
        if isHeld { return .held }
        // Reserved for this worker, or lost for want of renewal or by a former process of that name: nobody works on it.
        if row.holder == ownership.worker { return .owed }
        let failover = timing.failover
        let overdue = observations.handOffTime(of: row, at: now) - timing.handOffPatience
        let isFree = observations.isFree(row, at: now, failover: failover)
        // A hand-off that was asked for is this worker's once the holder is dead, or does not let go.
        if row.owner == ownership.worker { return isFree || overdue >= .zero ? .owed : .held }
        if isFree { return .free(observations.freeTime(of: row, at: now, failover: failover)) }
        // Neither side of the hand-off does its part.
        return overdue >= failover ? .free(overdue - failover) : .held
    }

    private func nextWait(_ rows: [LeaseRow], _ plan: LeasePlan) -> Duration {
        // At once: what was planned is a part.
        if plan.isPartial { return .zero }
        let (worker, now, keys) = (ownership.worker, held.now, held.keys)
        let acquired = Set(plan.acquire.map(\.key))
        let others = rows.filter { !keys.contains($0.key) && !acquired.contains($0.key) }
        let asked = !plan.requests.isEmpty
        if others.isEmpty, !asked, rows.count > Self.fewLeases, ownership.roster?.isAlone == true {
            // Nobody is there who could take or ask for any of them; who comes wakes this worker.
            return timing.shardSync
        }
        if asked || others.contains(where: { $0.owner == worker }) { return timing.handOffCheck }
        // A lease is taken when it expires, not at the next look after that.
        let expiry = others.filter { $0.owner != nil }.map { row in
            timing.failover - observations.silence(of: row, at: now)
        }.filter { $0 > .zero }.min()
        return min(timing.renewal, max(expiry ?? timing.renewal, .milliseconds(1)))
    }
}
