package import StreamCore
import Synchronization

/// Finds out which workers beside this one still run a mapping as it was before its last change.
///
/// A worker that has taken the change in says so; until then it may have batches of the old settings in flight for as long
/// as it holds leases. One that has died, or shows no life for the failover time, is not waited for.
package final class MappingStragglers: Sendable {
    private let worker: WorkerID
    private let leases: any LeaseStore
    private let carriedOut: @Sendable (MappingID) async throws -> [WorkerID: Timestamp]
    private let failover: Duration
    private let stopwatch: Stopwatch
    private let observations = Mutex<[MappingID: LeaseObservations]>([:])

    /// - Parameter carriedOut: The `lastModified` of the mapping as each worker runs it now.
    package init(
        besides worker: WorkerID,
        leases: any LeaseStore,
        carriedOut: @escaping @Sendable (MappingID) async throws -> [WorkerID: Timestamp],
        failover: Duration = LeaseTiming().failover,
        clock: some Clock<Duration>
    ) {
        self.worker = worker
        self.leases = leases
        self.carriedOut = carriedOut
        self.failover = failover
        stopwatch = Stopwatch(clock: clock)
    }

    /// To be asked again until there are none.
    package func workers(of mapping: EventSourceMapping) async throws -> Set<WorkerID> {
        let rows = try await leases.leases(of: mapping.id).filter { $0.holder != nil && $0.holder != worker }
        guard !rows.isEmpty else { return forget(mapping) }
        let carriedOut = try await carriedOut(mapping.id)
        let now = stopwatch.elapsed
        let stragglers = observations.withLock { observations in
            observations[mapping.id, default: LeaseObservations()].observe(rows, at: now)
            let sights = observations[mapping.id, default: LeaseObservations()]
            return rows.filter { row in
                !row.isOrphaned && sights.silence(of: row, at: now) < failover
                    && row.holder.map { mapping.isNewer(than: carriedOut[$0]) } == true
            }
        }
        return stragglers.isEmpty ? forget(mapping) : Set(stragglers.compactMap(\.holder))
    }

    private func forget(_ mapping: EventSourceMapping) -> Set<WorkerID> {
        observations.withLock { _ = $0.removeValue(forKey: mapping.id) }
        return []
    }
}

extension EventSourceMapping {
    fileprivate func isNewer(than carriedOut: Timestamp?) -> Bool {
        carriedOut.map { $0 < lastModified } ?? true
    }
}
