import Coordination
import StreamCore

extension StoreLeaseInspection {
    private enum Sign: Hashable {
        case worker(WorkerID)
        case lease(LeaseKey)
    }

    /// Between two looks: who lives writes each third of the failover time.
    private static let pause = Duration.seconds(1)

    /// Looks until every worker and every holder has shown life, for the failover time at most.
    ///
    /// For who asks once and then goes: what a single look finds may be long dead.
    package func watch(on clock: some Clock<Duration>) async throws {
        let first = try await counters()
        let stopwatch = Stopwatch(clock: clock)
        var areAllAlive = first.isEmpty
        while !areAllAlive, stopwatch.elapsed < timing.failover {
            try await clock.sleep(for: Self.pause)
            let now = try await counters()
            areAllAlive = !first.contains { now[$0.key] == $0.value }
        }
    }

    /// Of everyone who may be alive.
    private func counters() async throws -> [Sign: UInt64] {
        let workers = try await workerStore.workers()
        _ = sights.observe(workers)
        var counters: [Sign: UInt64] = [:]
        for row in workers where !row.isDead { counters[.worker(row.worker)] = row.counter }
        for mapping in try await mappings() {
            let leases = try await store.leases(of: mapping.id)
            _ = sights.observe(leases, of: mapping.id)
            for row in leases where row.owner != nil && !row.isOrphaned && row.checkpoint != .shardEnd {
                counters[.lease(row.key)] = row.counter
            }
        }
        return counters
    }
}
