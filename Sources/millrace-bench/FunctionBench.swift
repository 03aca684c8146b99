import Foundation

/// Log to function to checkpoint: a host starts on a filled log with one function and works until everything is done.
struct FunctionBench {
    static let batchSize = 1_000
    private static let limit: Double = 300

    let workspace: BenchWorkspace
    let function: BenchFunction
    let preloaded: String
    let records: Int

    /// - Parameter afterEachRun: What the function is compared to is measured here, so that both see the same machine.
    func measure(runs: Int, afterEachRun: (_ run: Int) throws -> Void = { _ in }) throws -> PathResult {
        var result = PathResult(title: function.title, goal: function.goal, hasBaseline: function == .python)
        for run in 1...runs {
            result.runs.append(try measure(run: run))
            try afterEachRun(run)
        }
        return result
    }

    private func measure(run: Int) throws -> RunResult {
        let data = try workspace.fresh("data")
        try FileManager.default.copyItem(atPath: preloaded, toPath: data)
        let counters = try workspace.freshFolder("counters")
        let functions = try workspace.freshFolder("functions")
        try function.install(in: functions, batchSize: Self.batchSize)

        let host = try BenchHost(workspace, data: data, functions: functions, counters: counters)
        let done = try waitUntilDone(host, counters)
        let result = RunResult(
            recordsPerSecond: Double(records) / done.seconds,
            host: try ProcessUsage(pid: host.pid),
            handlers: try ProcessUsage.ofChildren(of: host.pid),
            firstRecordMilliseconds: Double(done.firstNanoseconds - host.startNanoseconds) / 1e6
        )
        try host.stop()
        say("\(function) \(run): \(Int(result.recordsPerSecond)) records/s in \(done.batches) batches")
        return result
    }

    /// Looks at the handlers' counters, which disturbs nobody, and asks the host only once they stand still.
    private func waitUntilDone(_ host: BenchHost, _ counters: String) throws -> HandlerCounters {
        let start = monotonicNanoseconds()
        var batches = 0
        while Double(monotonicNanoseconds() - start) / 1e9 < Self.limit {
            usleep(100_000)
            let now = try HandlerCounters(folder: counters)
            if now.batches > 0, now.batches == batches, try host.recordsDone() >= records { return now }
            batches = now.batches
        }
        throw BenchFailure(
            "\(function): \(try host.recordsDone()) of \(records) records done after \(Self.limit) s"
        )
    }
}
