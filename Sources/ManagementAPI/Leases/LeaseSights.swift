import Coordination
import StreamCore
import Synchronization

/// What was seen of leases and workers from one look to the next: only that tells who lives.
package final class LeaseSights: Sendable {
    private struct State {
        var leases: [MappingID: LeaseObservations] = [:]
        var workers = WorkerObservations()
    }

    private let stopwatch: Stopwatch
    private let state = Mutex(State())

    package init(clock: some Clock<Duration>) {
        stopwatch = Stopwatch(clock: clock)
    }

    /// Takes in every row of a mapping.
    func observe(_ rows: [LeaseRow], of mapping: MappingID) -> (sights: LeaseObservations, now: Duration) {
        let now = stopwatch.elapsed
        return state.withLock { state in
            state.leases[mapping, default: LeaseObservations()].observe(rows, at: now)
            return (state.leases[mapping, default: LeaseObservations()], now)
        }
    }

    /// Forgets the mappings that are no more.
    func keep(_ mappings: Set<MappingID>) {
        state.withLock { state in state.leases = state.leases.filter { mappings.contains($0.key) } }
    }

    /// Takes in every worker's row.
    func observe(_ rows: [WorkerRow]) -> (sights: WorkerObservations, now: Duration) {
        let now = stopwatch.elapsed
        return state.withLock { state in
            state.workers.observe(rows, at: now)
            return (state.workers, now)
        }
    }
}
