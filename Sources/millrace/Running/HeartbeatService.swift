import Coordination
import Foundation
import Logging
import ServiceLifecycle
import StreamCore

/// Reports this process among the workers, from before its first plan until its functions have ended.
struct HeartbeatService: Service {
    let roster: WorkerRoster
    let store: any WorkerStore
    /// Requested when the worker is to give up its shards, by an operator or as the process ends.
    let drain: DrainSignal
    /// Requested once functions may run.
    let start: DrainSignal
    let clock: any Clock<Duration>
    let logger: Logger

    func run() async throws {
        let end = DrainSignal()
        try await withGracefulShutdownHandler {
            try await start.wait()
            guard !end.isRequested else { return }
            // What a worker of this name that was killed has left: it may have been asked to drain.
            try? await store.removeWorker(roster.worker)
            await WorkerHeartbeat(
                roster: roster,
                store: store,
                identity: WorkerReport(
                    worker: roster.worker,
                    host: ProcessInfo.processInfo.hostName,
                    processID: Int(getpid()),
                    started: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
                ),
                clock: clock,
                logger: logger
            ).run(drain: drain, until: end)
        } onGracefulShutdown: {
            end.request()
            start.request()
        }
    }
}
