import Foundation

/// A real host under measurement.
final class BenchHost {
    /// On the monotonic clock, just before the process was made.
    let startNanoseconds: UInt64
    let port: UInt16
    private let process: Process

    /// Starts a host and waits until it listens.
    init(
        _ workspace: BenchWorkspace,
        data: String,
        functions: String? = nil,
        counters: String? = nil,
        durability: String = "durable"
    ) throws {
        var arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--durability", durability]
        arguments += ["--python", workspace.python, "--log-level", "warning"]
        if let functions { arguments += ["--functions", functions] }
        if let counters { arguments += ["--function-environment", "BENCH_DIRECTORY=\(counters)"] }
        let errors = Pipe()
        process = Process()
        process.executableURL = URL(fileURLWithPath: workspace.millrace)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardError = errors
        startNanoseconds = monotonicNanoseconds()
        try process.run()

        var said = ""
        while true {
            let bytes = errors.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw BenchFailure("the host ended: \(said)") }
            said += String(decoding: bytes, as: UTF8.self)
            if let match = said.firstMatch(of: /listening on http:\/\/127\.0\.0\.1:([0-9]+)/),
                let port = UInt16(match.1)
            {
                self.port = port
                break
            }
        }
        // What it says later, a warning at most, is passed on; a full pipe would block it.
        Thread.detachNewThread {
            while case let bytes = errors.fileHandleForReading.availableData, !bytes.isEmpty {
                FileHandle.standardError.write(bytes)
            }
        }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var pid: Int32 { process.processIdentifier }

    func connect() throws -> HTTPConnection { try HTTPConnection(port: port) }

    func stop() throws {
        process.terminate()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchFailure("the host ended with \(process.terminationStatus)")
        }
    }

    func createStream(shards: Int) throws {
        let body = #"{"StreamName":"\#(LogBench.stream)","ShardCount":\#(shards)}"#
        try connect().exchange(.kinesis("CreateStream", Array(body.utf8)))
    }

    /// Whether every shard waits for records and for nothing else.
    func isIdle() throws -> Bool {
        struct Row: Decodable {
            let state: String
            let iteratorAgeMilliseconds: Int?
        }
        let connection = try connect()
        try connection.exchange(.get("/millrace/v1/checkpoints"))
        let rows = try connection.withBody { try JSONDecoder().decode([Row].self, from: Data($0)) }
        return !rows.isEmpty
            && rows.allSatisfy {
                $0.state.hasSuffix("waiting for records") && $0.iteratorAgeMilliseconds == 0
            }
    }

    /// How many records of the function the host has done.
    func recordsDone() throws -> Int {
        struct Row: Decodable {
            let records: Int
        }
        let connection = try connect()
        try connection.exchange(.get("/millrace/v1/checkpoints"))
        let rows = try connection.withBody { try JSONDecoder().decode([Row].self, from: Data($0)) }
        return rows.reduce(0) { $0 + $1.records }
    }
}

func monotonicNanoseconds() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
