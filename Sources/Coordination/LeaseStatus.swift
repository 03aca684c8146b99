package import Delivery
package import StreamCore

/// Why one shard of a mapping moves or does not move, from what can be known of its lease.
package struct LeaseStatus: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// Every record of the shard is done.
        case finished
        case waitsForParent(Parent)
        /// Free, and not taken yet.
        case unowned(since: Duration)
        /// The holder's process is known to have ended.
        case holderEnded(WorkerID)
        /// Not held; the worker that it is kept for may take it at once, all others after the failover time.
        case reserved(for: WorkerID, isDead: Bool)
        case handedOver(from: WorkerID, to: WorkerID, since: Duration, limit: Duration)
        case silent(WorkerID, since: Duration, expiresIn: Duration)
        case expired(WorkerID, since: Duration)
        /// Held by another worker that lives; `moved` is how long ago its checkpoint moved, if that was seen.
        case held(by: WorkerID, moved: Duration?)
        /// Held here: what the shard's consumer says.
        case processing(ShardReport.Activity, lastError: String?)
    }

    /// A shard whose records come before this one's.
    package struct Parent: Hashable, Sendable {
        package let shard: ShardID
        package let holder: WorkerID?
        package let checkpoint: Checkpoint
        /// How long ago its checkpoint moved; `nil` when it was not seen to move.
        package let moved: Duration?
    }

    package let key: LeaseKey
    package let checkpoint: Checkpoint
    package let reason: Reason
    /// The worker that explains has as many leases as it may have, and so takes none.
    package let isWorkerAtLimit: Bool

    /// What an explanation is made from.
    package struct Facts: Sendable {
        /// Every row of the mapping.
        package var rows: [LeaseRow]
        package var observations: LeaseObservations
        /// Which workers live, as far as that is known.
        package var liveness: [WorkerID: Bool]
        /// The time of the observations.
        package var now: Duration
        package var timing: LeaseTiming
        package var isWorkerAtLimit: Bool

        package init(
            rows: [LeaseRow],
            observations: LeaseObservations,
            liveness: [WorkerID: Bool] = [:],
            now: Duration,
            timing: LeaseTiming = LeaseTiming(),
            isWorkerAtLimit: Bool = false
        ) {
            self.rows = rows
            self.observations = observations
            self.liveness = liveness
            self.now = now
            self.timing = timing
            self.isWorkerAtLimit = isWorkerAtLimit
        }
    }

    /// - Parameter report: What this process says of the shard, if it holds the lease.
    /// - Returns: `nil` when there is no such lease.
    package init?(of key: LeaseKey, _ facts: Facts, report: ShardReport? = nil) {
        guard let row = facts.rows.first(where: { $0.key == key }) else { return nil }
        self.key = key
        checkpoint = row.checkpoint
        isWorkerAtLimit = facts.isWorkerAtLimit
        reason = Self.reason(of: row, facts, report)
    }

    private static func reason(of row: LeaseRow, _ facts: Facts, _ report: ShardReport?) -> Reason {
        if row.checkpoint == .shardEnd { return .finished }
        if let parent = unfinishedParent(of: row, facts) { return .waitsForParent(parent) }

        let (observations, now, timing) = (facts.observations, facts.now, facts.timing)
        let silence = observations.silence(of: row, at: now)
        guard let owner = row.owner, let holder = row.holder else { return .unowned(since: silence) }
        if row.isOrphaned { return .holderEnded(holder) }
        let isAlive = facts.liveness[holder]
        if silence >= timing.failover { return .expired(holder, since: silence - timing.failover) }
        if let handOff = row.handOff, silence < timing.renewal * 2 {
            let since = observations.handOffTime(of: row, at: now)
            return .handedOver(from: handOff.from, to: handOff.to, since: since, limit: timing.handOff)
        }
        if let report, row.handOff == nil {
            return .processing(report.activity, lastError: report.lastError)
        }
        // Holders renew three times within the failover time; what is silent for two of them is not held, or stuck.
        if silence >= timing.renewal * 2 {
            if isAlive == true, row.handOff == nil { return .reserved(for: owner, isDead: false) }
            return .silent(holder, since: silence, expiresIn: timing.failover - silence)
        }
        if isAlive == false { return .reserved(for: owner, isDead: true) }
        return .held(by: holder, moved: observations.sinceMoved(row, at: now))
    }

    private static func unfinishedParent(of row: LeaseRow, _ facts: Facts) -> Parent? {
        guard !row.parents.isEmpty else { return nil }
        let parent = facts.rows.first { candidate in
            row.parents.contains(candidate.key.shard) && candidate.checkpoint != .shardEnd
        }
        return parent.map { parent in
            Parent(
                shard: parent.key.shard,
                holder: parent.holder,
                checkpoint: parent.checkpoint,
                moved: facts.observations.sinceMoved(parent, at: facts.now)
            )
        }
    }
}

extension LeaseStatus: CustomStringConvertible {
    package var description: String {
        isWorkerAtLimit && isTakeable
            ? "\(reason); this worker has as many leases as it may have" : "\(reason)"
    }

    private var isTakeable: Bool {
        switch reason {
        case .unowned, .holderEnded, .expired: true
        default: false
        }
    }
}

extension LeaseStatus.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .finished: "finished: every record is done"
        case .waitsForParent(let parent): "waits for its parent \(parent)"
        case .unowned(let since): "free for \(since.inSeconds); nobody has taken it yet"
        case .holderEnded(let holder): "free: the process of \(holder) has ended"
        case .reserved(let worker, let isDead):
            "reserved for \(worker), which \(isDead ? "is dead" : "has not taken it yet")"
        case .handedOver(let from, let to, let since, let limit):
            "handed from \(from) to \(to) since \(since.inSeconds): \(from) finishes its batch, for \(limit.inSeconds) at most"
        case .silent(let holder, let since, let left):
            "held by \(holder), which has shown no life for \(since.inSeconds); expires in \(left.inSeconds)"
        case .expired(let holder, let since):
            "free for \(since.inSeconds): \(holder), which held it, shows no life; nobody has taken it yet"
        case .held(let holder, let moved):
            "held by \(holder)" + (moved.map { ", which moved it \($0.inSeconds) ago" } ?? ", which lives")
        case .processing(let activity, let lastError): Self.describe(activity, lastError)
        }
    }

    private static func describe(_ activity: ShardReport.Activity, _ lastError: String?) -> String {
        switch activity {
        case .starting: "was acquired and starts"
        case .waitingForRecords: "waits for records: everything that was read is done"
        case .invoking(let records): "the function works on \(records) records"
        case .waitingForWindow(let records): "gathers a batch: \(records) records wait for it to fill"
        case .retrying(let failures, let most, let error, let delay):
            "function fails: attempt \(failures + 1)\(most.map { " of \($0 + 1)" } ?? ""), next in \(delay.inSeconds): \(error)"
        case .bisecting(let pieces, let error, let delay):
            "function fails: the batch was split into \(pieces) pieces, next in \(delay.inSeconds): \(error)"
        case .lanes(let lanes):
            lanes.enumerated().map { "lane \($0.offset): \(describe($0.element, nil))" }.joined(
                separator: "; "
            )
        case .waitingForFunction(let reason): "waits for the function: \(reason)"
        case .readFailing(let error): "the shard cannot be read: \(error)"
        case .ended: "ended" + (lastError.map { ": \($0)" } ?? "")
        }
    }
}

extension LeaseStatus.Parent: CustomStringConvertible {
    package var description: String {
        let who = holder.map { "which \($0) holds" } ?? "which nobody holds"
        let pace = moved.map { " and moved \($0.inSeconds) ago" } ?? ""
        return "\(shard), \(who) at \(checkpoint)\(pace)"
    }
}

extension Duration {
    /// Whole seconds as text, as nobody waits for less.
    fileprivate var inSeconds: String { "\(Int((self / .seconds(1)).rounded())) s" }
}
