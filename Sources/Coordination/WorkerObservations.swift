package import StreamCore

/// Tells which workers live, by watching the counters of their rows.
///
/// Like leases: a worker is dead when its counter has not changed for the failover time on the observer's own
/// monotonic clock, or when the store knows that its process has ended. One seen for the first time lives.
package struct WorkerObservations: Sendable {
    /// How long the row of a worker without any sign of life is kept, as KCL keeps it.
    package static let retention = Duration.seconds(86_400)

    private struct Sight {
        var counter: UInt64
        var since: Duration
    }

    private var sights: [WorkerID: Sight] = [:]

    package init() {}

    /// Takes in every worker's row, seen at `now`, the time since any fixed moment.
    package mutating func observe(_ rows: [WorkerRow], at now: Duration) {
        var next: [WorkerID: Sight] = [:]
        for row in rows {
            let sight = sights[row.worker]
            next[row.worker] =
                sight.map { $0.counter == row.counter } == true
                ? sight : Sight(counter: row.counter, since: now)
        }
        sights = next
    }

    /// How long the worker has shown no sign of life.
    package func silence(of row: WorkerRow, at now: Duration) -> Duration {
        guard let sight = sights[row.worker], sight.counter == row.counter else { return .zero }
        return now - sight.since
    }

    package func isAlive(_ row: WorkerRow, at now: Duration, failover: Duration) -> Bool {
        !row.isDead && silence(of: row, at: now) < failover
    }

    /// The row says nothing to anyone any more.
    package func isRemovable(_ row: WorkerRow, at now: Duration) -> Bool {
        row.isDead || silence(of: row, at: now) >= Self.retention
    }
}
