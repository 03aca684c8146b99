import HandlerProcess
import ManagementAPI
import StreamCore
import Synchronization

/// What runs now, for those who ask: the process pool of each function, and the state of each mapping.
final class RunningFunctions: Sendable {
    private struct State {
        var pools: [FunctionName: HandlerPool] = [:]
        var mappings: [MappingID: String] = [:]
        var isDraining = false
    }

    private let state = Mutex(State())

    var isDraining: Bool { state.withLock(\.isDraining) }

    func drain() {
        state.withLock { $0.isDraining = true }
    }

    /// Processes that have a batch now.
    var busyProcesses: Int {
        let pools = state.withLock { Array($0.pools.values) }
        return pools.reduce(0) { count, pool in count + pool.status.processes.count { $0.state == .busy } }
    }

    /// How long a batch in flight may still take.
    var longestWait: String {
        state.withLock { $0.pools.values.map(\.function.timeout).max() ?? .zero }.formatted()
    }

    func handlerReport(of function: FunctionName) -> HandlerReport {
        guard let status = state.withLock({ $0.pools[function] })?.status else { return HandlerReport() }
        let next = status.nextAttempt.map { " (next attempt in \($0.formatted()))" } ?? ""
        return HandlerReport(
            processes: status.processes.map { process in
                ProcessSummary(
                    pid: process.pid ?? 0,
                    state: process.state.rawValue,
                    invocations: process.invocations
                )
            },
            startFailure: status.startFailure.map { $0 + next }
        )
    }

    func set(_ pool: HandlerPool?, of function: FunctionName) {
        state.withLock { $0.pools[function] = pool }
    }

    func note(_ text: String?, of mapping: MappingID) {
        state.withLock { $0.mappings[mapping] = text }
    }

    func mappingState(_ mapping: EventSourceMapping) -> String {
        guard mapping.source.isEnabled else { return "disabled" }
        return state.withLock { $0.isDraining ? "draining" : $0.mappings[mapping.id] ?? "starting" }
    }
}
