import HandlerProcess
import ManagementAPI
import StreamCore

/// What the processes of all functions are doing, for those who ask.
extension Deployments {
    /// Processes that have a batch now.
    var busyProcesses: Int {
        pools.reduce(0) { count, pool in count + pool.status.processes.count { $0.state == .busy } }
    }

    /// How long a batch in flight may still take.
    var longestWait: String { (pools.map(\.function.timeout).max() ?? .zero).formatted() }

    func handlerReport(of function: FunctionName) -> HandlerReport {
        guard let status = latest(function)?.status else { return HandlerReport() }
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
}
