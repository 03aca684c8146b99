package import StreamCore

/// Tells which leases have expired, by watching their counters.
///
/// No wall clock decides: a lease has expired when its counter has not changed for the failover time on the
/// observer's own monotonic clock. One seen for the first time with an owner counts as renewed just now.
package struct LeaseObservations: Sendable {
    private struct Sight {
        var counter: UInt64
        var since: Duration
        var checkpoint: Checkpoint
        /// When the checkpoint was seen to move; `nil` as long as it was not.
        var movedAt: Duration?
        var orphanedSince: Duration?
        var handOff: HandOff?
    }

    private struct HandOff: Equatable {
        let from: WorkerID
        let to: WorkerID
    }

    private var sights: [LeaseKey: Sight] = [:]
    private var handOffs: [LeaseKey: Duration] = [:]
    private var observedAt: Duration?
    /// After a longer look away nothing is known about what happened meanwhile; `nil` is any.
    private let longestGap: Duration?

    /// - Parameter longestGap: A worker that looked away for longer, as its machine stood still, begins anew: who
    ///   shares the machine stood still as well and has had no time to show that it lives.
    package init(longestGap: Duration? = nil) {
        self.longestGap = longestGap
    }

    /// Takes in every row of a mapping, seen at `now`, the time since any fixed moment.
    package mutating func observe(_ rows: [LeaseRow], at now: Duration) {
        if let longestGap, let observedAt, now - observedAt > longestGap { sights = [:] }
        observedAt = now
        var next: [LeaseKey: Sight] = [:]
        next.reserveCapacity(rows.count)
        var nextHandOffs: [LeaseKey: Duration] = [:]
        for row in rows {
            let before = sights[row.key]
            var sight =
                before
                ?? Sight(counter: row.counter, since: now, checkpoint: row.checkpoint)
            if sight.counter != row.counter { (sight.counter, sight.since) = (row.counter, now) }
            if sight.checkpoint != row.checkpoint {
                (sight.checkpoint, sight.movedAt) = (row.checkpoint, now)
            }
            sight.orphanedSince = row.isOrphaned ? sight.orphanedSince ?? now : nil
            let handOff = row.handOff.map { HandOff(from: $0.from, to: $0.to) }
            if handOff != nil {
                nextHandOffs[row.key] = before?.handOff == handOff ? handOffs[row.key] ?? now : now
            }
            sight.handOff = handOff
            next[row.key] = sight
        }
        (sights, handOffs) = (next, nextHandOffs)
    }

    /// How long the owner has shown no sign of life.
    package func silence(of row: LeaseRow, at now: Duration) -> Duration {
        guard let sight = sights[row.key], sight.counter == row.counter else { return .zero }
        return now - sight.since
    }

    /// How long ago the checkpoint moved; `nil` when it was not seen to move.
    package func sinceMoved(_ row: LeaseRow, at now: Duration) -> Duration? {
        sights[row.key]?.movedAt.map { now - $0 }
    }

    /// How long the hand-off that is under way has been seen; zero when there is none.
    package func handOffTime(of row: LeaseRow, at now: Duration) -> Duration {
        handOffs[row.key].map { now - $0 } ?? .zero
    }

    /// Nobody has the lease, or its owner is known or taken to be dead.
    package func isFree(_ row: LeaseRow, at now: Duration, failover: Duration) -> Bool {
        row.owner == nil || row.isOrphaned || silence(of: row, at: now) >= failover
    }

    /// How long anyone could have taken the lease; zero while it is not free.
    package func freeTime(of row: LeaseRow, at now: Duration, failover: Duration) -> Duration {
        let silence = silence(of: row, at: now)
        if row.owner == nil { return silence }
        let expired = max(.zero, silence - failover)
        guard row.isOrphaned, let since = sights[row.key]?.orphanedSince else { return expired }
        return max(expired, now - since)
    }
}

extension LeaseRow {
    /// Who is asked to hand the lease over, and who waits for it; `nil` when there is no hand-off.
    package var handOff: (from: WorkerID, to: WorkerID)? {
        guard let checkpointOwner, let owner else { return nil }
        return (checkpointOwner, owner)
    }
}
