package import StreamCore
import Synchronization

/// A worker store in memory; it passes the contract of worker stores.
package final class MemoryWorkerStore: WorkerStore {
    private let rows = Mutex<[WorkerID: WorkerRow]>([:])

    package init() {}

    package func report(_ report: WorkerReport) async throws -> Bool {
        rows.withLock { rows in
            let row = rows[report.worker]
            let isDrainRequested = row?.isDrainRequested ?? false
            rows[report.worker] = WorkerRow(
                report: report,
                counter: (row?.counter ?? 0) + 1,
                isDrainRequested: isDrainRequested
            )
            return isDrainRequested
        }
    }

    package func workers() async throws -> [WorkerRow] {
        rows.withLock { $0.values.sorted { $0.worker < $1.worker } }
    }

    package func requestDrain(of worker: WorkerID) async throws -> Bool {
        rows.withLock { rows in
            guard let row = rows[worker] else { return false }
            rows[worker] = WorkerRow(report: row.report, counter: row.counter, isDrainRequested: true)
            return true
        }
    }

    package func removeWorker(_ worker: WorkerID) async throws {
        rows.withLock { _ = $0.removeValue(forKey: worker) }
    }
}
