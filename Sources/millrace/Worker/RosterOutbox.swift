import Coordination
import FailureDestinations
import ServiceLifecycle
import StreamCore

/// Delivers the failures of workers on many machines: the one whose name comes first does it for all.
///
/// One that takes over waits until the one before has noticed. All the same a failure is delivered at least once, as
/// everywhere: the one before may have had no word of the others.
struct RosterOutbox: Service {
    let roster: WorkerRoster
    let outbox: FailureOutbox
    let clock: any Clock<Duration>

    /// How often to look whose turn it is.
    private static let pause = Duration.seconds(1)
    /// Until the worker before has seen this one, and what it had in flight has ended.
    private static let takeover = LeaseTiming().failover

    func run() async throws {
        let drain = DrainSignal()
        await withGracefulShutdownHandler {
            while !drain.isRequested, !Task.isCancelled {
                if turn == .mineAfterOthers { await sleep(Self.takeover, drain) }
                if turn != .anothers { await deliver(until: drain) }
                await sleep(Self.pause, drain)
            }
        } onGracefulShutdown: {
            drain.request()
        }
    }

    private func sleep(_ time: Duration, _ drain: DrainSignal) async {
        _ = try? await drain.interruptible { [clock] in try await clock.sleep(for: time) }
    }

    enum Turn: Equatable {
        case mine
        /// Another may have delivered until now.
        case mineAfterOthers
        case anothers
    }

    private var turn: Turn { Self.turn(of: roster.worker, among: roster.workers) }

    /// A KCL worker has no process number here, and delivers nothing.
    static func turn(of worker: WorkerID, among workers: [(row: WorkerRow, isAlive: Bool)]) -> Turn {
        let live = workers.filter { row, isAlive in isAlive && row.report.processID != 0 }.map(\.row)
        let first = live.filter { !$0.report.isDraining && !$0.isDrainRequested }.map(\.worker).min()
        guard first == worker else { return .anothers }
        return live.count == 1 ? .mine : .mineAfterOthers
    }

    private func deliver(until drain: DrainSignal) async {
        let end = DrainSignal()
        let registration = drain.onRequest { end.request() }
        defer { drain.forget(registration) }
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !end.isRequested, turn != .anothers {
                    guard (try? await clock.sleep(for: Self.pause)) != nil else { break }
                }
                end.request()
            }
            await outbox.run(until: end)
            group.cancelAll()
        }
    }
}
