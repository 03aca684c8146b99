import Foundation

/// A host and the workers beside it, as processes on one data directory.
final class ScalingFleet {
    private let workspace: BenchWorkspace
    let data: String
    private let counters: String
    let host: BenchHost
    private var workers: [(name: String, process: Process)] = []
    private var started = 0

    private static let endLimit: Double = 60

    init(_ workspace: BenchWorkspace, function: BenchFunction, options: [String: String], batchSize: Int)
        throws
    {
        self.workspace = workspace
        data = try workspace.fresh("data")
        counters = try workspace.freshFolder("counters")
        let functions = try workspace.freshFolder("functions")
        try function.install(in: functions, batchSize: batchSize, options: options)
        host = try BenchHost(
            workspace,
            data: data,
            functions: functions,
            counters: counters,
            durability: "relaxed"
        )
    }

    deinit {
        for worker in workers where worker.process.isRunning {
            kill(worker.process.processIdentifier, SIGKILL)
        }
    }

    var journal: String { counters }
    var pids: [Int32] { workers.map(\.process.processIdentifier) }

    /// - Returns: The worker's pid.
    @discardableResult
    func add() throws -> Int32 {
        started += 1
        let name = "worker-\(started)"
        let process = try start(
            ["worker", "--data", data, "--name", name, "--log-level", "warning"]
                + ["--function-environment", "BENCH_DIRECTORY=\(counters)"]
        )
        workers.append((name, process))
        return process.processIdentifier
    }

    /// Ends one of the workers as a crash does.
    func killOne() throws -> Int32 {
        let (_, process) = workers.remove(at: Int.random(in: workers.indices))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return process.processIdentifier
    }

    /// Asks one of the workers to drain, as an operator does, and waits until it has ended.
    ///
    /// - Parameter asked: Called with its pid before it is asked.
    func drainOne(_ asked: (Int32) -> Void) throws {
        let (name, process) = workers.remove(at: Int.random(in: workers.indices))
        asked(process.processIdentifier)
        let command = try start(["worker", "drain", name, "--data", data])
        command.waitUntilExit()
        guard command.terminationStatus == 0 else {
            throw BenchFailure("worker \(name) was not asked to drain")
        }
        let start = monotonicNanoseconds()
        while process.isRunning {
            guard Double(monotonicNanoseconds() - start) / 1e9 < Self.endLimit else {
                throw BenchFailure("worker \(name) was asked to drain and did not end")
            }
            usleep(20_000)
        }
        guard process.terminationStatus == 0 else {
            throw BenchFailure("worker \(name) ended with \(process.terminationStatus)")
        }
    }

    func stop() throws {
        for worker in workers { worker.process.terminate() }
        for worker in workers { worker.process.waitUntilExit() }
        workers = []
        try host.stop()
    }

    private func start(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: workspace.millrace)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }
}
