package import StreamCore

/// Tells which leases have expired, by watching their counters.
///
/// No wall clock decides: a lease has expired when its counter has not changed for the failover time on the
/// observer's own monotonic clock. One seen for the first time with an owner counts as renewed just now.
package struct LeaseObservations: Sendable {
    private struct Sight {
        var counter: UInt64
        var since: Duration
    }

    private var sights: [LeaseKey: Sight] = [:]

    package init() {}

    /// Takes in every row of a mapping, seen at `now`, the time since any fixed moment.
    package mutating func observe(_ rows: [LeaseRow], at now: Duration) {
        var next: [LeaseKey: Sight] = [:]
        next.reserveCapacity(rows.count)
        for row in rows {
            if let sight = sights[row.key], sight.counter == row.counter {
                next[row.key] = sight
            } else {
                next[row.key] = Sight(counter: row.counter, since: now)
            }
        }
        sights = next
    }

    /// How long the owner has shown no sign of life.
    package func silence(of row: LeaseRow, at now: Duration) -> Duration {
        guard let sight = sights[row.key], sight.counter == row.counter else { return .zero }
        return now - sight.since
    }

    /// Nobody has the lease, or its owner is known or taken to be dead.
    package func isFree(_ row: LeaseRow, at now: Duration, failover: Duration) -> Bool {
        row.owner == nil || row.isOrphaned || silence(of: row, at: now) >= failover
    }
}
