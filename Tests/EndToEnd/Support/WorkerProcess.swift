import Foundation

/// A running `millrace worker`.
final class WorkerProcess: Sendable {
    let name: String
    let process: ChildProcess

    private init(name: String, process: ChildProcess) {
        self.name = name
        self.process = process
    }

    /// Starts a worker, and kills it in the end if it still runs.
    ///
    /// - Parameter options: Where it works: `--data` and, on Kinesis, the others.
    static func with<Result>(
        _ name: String,
        _ options: [String],
        environment: [String: String] = [:],
        _ body: (WorkerProcess) async throws -> Result
    ) async throws -> Result {
        let process = try ChildProcess(
            Repository.millrace,
            ["worker", "--name", name] + HostProcess.handlerOptions + options,
            environment: environment
        )
        defer { process.signal(SIGKILL) }
        do {
            return try await body(WorkerProcess(name: name, process: process))
        } catch {
            throw HostTrouble(cause: error, output: "worker \(name): \(process.standardError.text)")
        }
    }

    /// Ends the worker as an operator's machine does.
    func stop() async throws -> ChildProcess.End {
        process.signal(SIGTERM)
        return try await process.end()
    }
}

extension ChildProcess {
    /// How often the process stopped a batch in hand, because the machine held it up for longer than its lease lasts: that batch may run
    /// again.
    var stoppedBatches: Int {
        standardError.text.split(separator: "\n").count { line in
            ["lease lost", "batch in hand cancelled for a hand-off"].contains { line.hasSuffix("] \($0)") }
        }
    }
}

extension HostProcess {
    /// Waits until the worker of this name has so many shards.
    func waitUntil(_ worker: String, has count: Int) async throws {
        try await eventually("worker \(worker) has \(count) shards") {
            try await checkpoints().count { $0.owner == worker } == count
        }
    }
}
