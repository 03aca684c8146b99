import Foundation

/// A running `millrace serve`.
final class HostProcess: Sendable {
    let process: ChildProcess
    let endpoint: String

    private init(process: ChildProcess, endpoint: String) {
        self.process = process
        self.endpoint = endpoint
    }

    /// Starts a host on any free port and waits until it listens.
    static func start(
        in folders: HostFolders,
        _ options: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> HostProcess {
        let process = try ChildProcess(
            Repository.millrace,
            serveArguments(folders) + options,
            environment: environment
        )
        do {
            var endpoint: String?
            try await eventually("the host says where it listens") {
                endpoint = listeningAddress(in: process.standardError.text + process.standardOutput.text)
                return endpoint != nil || !process.isRunning
            }
            guard let endpoint else { throw HostEnded(output: process.standardError.text) }
            return HostProcess(process: process, endpoint: endpoint)
        } catch {
            process.signal(SIGKILL)
            throw error
        }
    }

    static func serveArguments(_ folders: HostFolders, listen: String = "127.0.0.1:0") -> [String] {
        // A folder without a function is refused.
        let functions = folders.hasFunctions ? ["--functions", folders.functions] : []
        let words = ["serve", "--data", folders.data, "--listen", listen] + functions
        return words + handlerOptions
    }

    /// A busy machine takes its time to start a function.
    static let handlerOptions = ["--python", Repository.python.path, "--start-timeout", "3600"]

    /// Lends a host, and kills it in the end if it still runs.
    static func withHost<Result>(
        in folders: HostFolders,
        _ options: [String] = [],
        environment: [String: String] = [:],
        _ body: (HostProcess) async throws -> Result
    ) async throws -> Result {
        let host = try await start(in: folders, options, environment: environment)
        defer { host.process.signal(SIGKILL) }
        do {
            return try await body(host)
        } catch {
            throw HostTrouble(cause: error, output: host.process.standardError.text)
        }
    }

    /// Ends the host as an operator does.
    func stop() async throws -> ChildProcess.End {
        process.signal(SIGTERM)
        return try await process.end()
    }

    /// Ends the host as a power cut does, and waits until it is gone.
    func killAtOnce() async throws {
        process.signal(SIGKILL)
        try await process.end()
    }

    /// Runs a `millrace` command on this host and gives what it prints.
    @discardableResult
    func millrace(_ words: String...) async throws -> String {
        let finished = try await run(Repository.millrace, words + ["--endpoint", endpoint])
        guard finished.isSuccess else {
            throw CommandFailed(command: "millrace " + words.joined(separator: " "), finished: finished)
        }
        return finished.standardOutput
    }

    /// Runs the `aws` command on this host and gives what it prints.
    @discardableResult
    func aws(_ words: String..., environment: [String: String] = [:]) async throws -> String {
        let surroundings = [
            "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        ]
        let finished = try await run(
            Repository.python,
            [Repository.clients.appendingPathComponent("aws").path] + words,
            environment: surroundings.merging(environment) { $1 }
        )
        guard finished.isSuccess else {
            throw CommandFailed(command: "aws " + words.joined(separator: " "), finished: finished)
        }
        return finished.standardOutput
    }

    /// Runs one of the scripts with boto3 and gives what it prints.
    @discardableResult
    func python(_ script: String, _ arguments: String..., within limit: Duration = .seconds(300)) async throws
        -> String
    {
        let finished = try await run(Repository.python, scriptArguments(script, arguments), within: limit)
        guard finished.isSuccess else { throw CommandFailed(command: script, finished: finished) }
        return finished.standardOutput
    }

    /// Starts one of the scripts.
    func startPython(_ script: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(Repository.python, scriptArguments(script, arguments))
    }

    private func scriptArguments(_ script: String, _ arguments: [String]) -> [String] {
        ["-B", Repository.endToEnd.appendingPathComponent("Scripts/\(script)").path, endpoint] + arguments
    }

    func checkpoints() async throws -> [CheckpointRow] {
        try JSONDecoder().decode(
            [CheckpointRow].self,
            from: Data(await millrace("checkpoint", "list", "--json").utf8)
        )
    }

    /// The first line of the host's log with this message.
    func logLine(of message: String) -> String? {
        let lines = process.standardError.text.split(separator: "\n")
        return lines.first { $0.hasSuffix("] \(message)") }.map(String.init)
    }

    private static func listeningAddress(in text: String) -> String? {
        guard let match = text.firstMatch(of: /listening on (https?:\/\/[0-9A-Za-z.:\[\]]+)/) else {
            return nil
        }
        return String(match.output.1)
    }
}

/// A row of `millrace checkpoint list --json`.
struct CheckpointRow: Decodable {
    let function: String
    let stream: String
    let shard: String
    let checkpoint: String
    let owner: String?
    let iteratorAgeMilliseconds: Int?
    let records: Int
    let batches: Int
    let state: String
}

struct HostEnded: Error, CustomStringConvertible {
    let output: String
    var description: String { "the host ended before it listened: \(output)" }
}

/// What a test stumbled over, with what the host said meanwhile.
struct HostTrouble: Error, CustomStringConvertible {
    let cause: any Error
    let output: String

    var description: String { "\(cause)\nthe host's output:\n\(output.suffix(8_000))" }
}
