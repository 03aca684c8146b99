package import Logging
package import StreamCore
import Synchronization

/// The workers that live, as this process knows them: one for the plans of all of its mappings.
///
/// While the worker store is out of reach the plans go on with what was known last.
package final class WorkerRoster: Sendable {
    private struct State {
        var rows: [WorkerRow] = []
        var observations = WorkerObservations()
        var lookedAt: Duration?
        var alive: Set<WorkerID> = []
        var watchers: [Int: WakeSignal] = [:]
        var nextWatcher = 0
    }

    package let worker: WorkerID
    private let store: any WorkerStore
    private let timing: LeaseTiming
    private let stopwatch: Stopwatch
    private let logger: Logger
    private let state = Mutex(State())
    /// Requested once this worker's own row is there: before, its plans would not agree with those of the others.
    let registered = DrainSignal()

    package init(
        worker: WorkerID,
        store: any WorkerStore,
        timing: LeaseTiming = LeaseTiming(),
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.worker = worker
        self.store = store
        self.timing = timing
        stopwatch = Stopwatch(clock: clock)
        self.logger = logger
    }

    /// Every worker with a row, in order of their names, and whether it lives.
    package var workers: [(row: WorkerRow, isAlive: Bool)] {
        let now = stopwatch.elapsed
        return state.withLock { state in
            state.rows.map { row in
                (row, state.observations.isAlive(row, at: now, failover: timing.failover))
            }
        }
    }

    /// The workers that live, for a plan.
    var members: [LeasePlan.Member] {
        workers.filter(\.isAlive).map { row, _ in
            LeasePlan.Member(
                row.worker,
                cpu: Self.average(of: row.report.cpu),
                isDraining: row.report.isDraining || row.isDrainRequested
            )
        }
    }

    /// This is the only worker that lives.
    var isAlone: Bool { workers.allSatisfy { !$0.isAlive || $0.row.worker == worker } }

    /// Reads the rows anew, unless they were read within the last tenth of the failover time.
    func look() async {
        let isRecent = state.withLock { state in
            state.lookedAt.map { stopwatch.elapsed - $0 < timing.failover / 10 } ?? false
        }
        guard !isRecent else { return }
        do { try await lookNow() } catch {
            logger.warning(
                "workers not listed; those known last are planned with",
                metadata: ["error": "\(error)"]
            )
        }
    }

    /// Reads the rows, wakes the plans when workers came or went, and removes rows that say nothing any more.
    func lookNow() async throws {
        let rows = try await store.workers()
        let now = stopwatch.elapsed
        let (removable, watchers) = state.withLock { state in
            state.rows = rows
            state.lookedAt = now
            state.observations.observe(rows, at: now)
            let observations = state.observations
            let alive = Set(
                rows.filter { observations.isAlive($0, at: now, failover: timing.failover) }.map(\.worker)
            )
            let removable = rows.filter { $0.worker != worker && observations.isRemovable($0, at: now) }
            defer { state.alive = alive }
            return (removable, alive == state.alive ? [] : Array(state.watchers.values))
        }
        for watcher in watchers { watcher.wake() }
        for row in removable { try await store.removeWorker(row.worker) }
    }

    /// Wakes `signal` whenever workers came or went.
    func watch(_ signal: WakeSignal) -> Int {
        state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = signal
            return state.nextWatcher
        }
    }

    func forget(_ watcher: Int) { state.withLock { _ = $0.watchers.removeValue(forKey: watcher) } }

    /// KCL's exponential moving average of the reported means, the newest weighing half.
    private static func average(of cpu: [Double]) -> Double? {
        guard let first = cpu.first else { return nil }
        return cpu.dropFirst().reduce(first) { ($0 + $1) / 2 }
    }
}
