import Foundation
import FunctionLogs
import HandlerProcess
import Logging
import StreamCore
import TestSupport

/// A function in a directory of its own, run by real processes.
struct HandlerFixture: Sendable {
    let directory: String
    let function: FunctionDefinition
    let logs: FunctionLogs
    let pool: HandlerPool

    /// Lends a pool and ends its processes afterwards.
    static func with<Result>(
        runtime: Runtime = .provided("provided.al2023"),
        handler: String = "unused",
        code: String? = nil,
        bootstrap: String? = pythonBootstrap,
        timeoutSeconds: Int = 3_600,
        memoryMegabytes: Int = 256,
        environment: [String: String] = [:],
        concurrencyLimit: Int = 1,
        clock: any Clock<Duration> = ContinuousClock(),
        logBytes: Int = 64 << 20,
        version: FunctionQualifier = .latest,
        settings change: (inout HandlerSettings) -> Void = { _ in },
        _ body: (HandlerFixture) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { directory in
            if let bootstrap { try await writeProgram(bootstrap, to: "\(directory)/bootstrap") }
            let function = FunctionDefinition(
                name: "counts",
                runtime: runtime,
                handler: handler,
                codeDirectory: code ?? directory,
                timeoutSeconds: timeoutSeconds,
                memoryMegabytes: memoryMegabytes,
                environment: environment,
                concurrencyLimit: concurrencyLimit
            )
            let logs = FunctionLogs(directory: "\(directory)/logs", limits: .init(bytes: logBytes))
            var settings = makeSettings(logs, clock)
            settings.logger.logLevel = .critical
            settings.makePatient()
            change(&settings)
            let pool = HandlerPool(function: function, settings: settings, version: version)
            let fixture = HandlerFixture(directory: directory, function: function, logs: logs, pool: pool)
            do {
                let result = try await body(fixture)
                await pool.shutDown(within: .zero)
                return result
            } catch {
                await pool.shutDown(within: .zero)
                throw error
            }
        }
    }

    private static func makeSettings(_ logs: FunctionLogs, _ clock: some Clock<Duration>) -> HandlerSettings {
        HandlerSettings(logs: logs, clock: clock)
    }

    /// Invokes with one record for each payload; the first one tells the handler what to do.
    func invoke(_ payloads: String..., requestID: String = UUID().uuidString.lowercased()) async
        -> InvocationOutcome
    {
        await pool.invoke(
            Self.makeBatch(payloads).all,
            context: InvocationContext(
                requestID: requestID,
                streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
                shard: "shardId-000000000000",
                functionARN: "arn:aws:lambda:us-east-1:000000000000:function:counts"
            )
        )
    }

    /// Records with these payloads, numbered from 100.
    static func makeBatch(_ payloads: [String]) -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        for (index, payload) in payloads.enumerated() {
            let offset = UInt32(bytes.count)
            bytes += "key\(payload)".utf8
            entries.append(
                RecordEntry(
                    sequenceNumber: SequenceNumber(UInt128(100 + index)),
                    arrival: Timestamp(milliseconds: 1_545_084_650_987),
                    offset: offset,
                    keyBytes: 3,
                    payloadBytes: UInt32(payload.utf8.count)
                )
            )
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    func file(_ name: String) -> String { "\(directory)/\(name)" }

    func contents(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    /// Everything that was logged.
    var log: [String] { logs.log(of: function.name).events(LogQuery()).events.map(\.message) }

    /// What the function printed, without the lines around it.
    var printed: [String] {
        log.filter { line in !["START ", "END ", "REPORT "].contains { line.hasPrefix($0) } }
    }

    func invokePayload(_ payload: String, clientContext: String? = nil) async -> PayloadResult {
        await pool.invoke(
            payload: PayloadInvocation(
                payload: Array(payload.utf8),
                requestID: "request-1",
                functionARN: "arn:aws:lambda:us-east-1:000000000000:function:counts",
                clientContext: clientContext
            )
        )
    }

    /// Waits until the function has written this file.
    func waitForFile(_ name: String) async {
        while !FileManager.default.fileExists(atPath: file(name)), !Task.isCancelled { await Task.yield() }
    }

    /// Whether a process is gone or only a zombie that is not ours.
    static func isGone(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else {
            return true
        }
        return stat.split(separator: ")").last?.trimmingCharacters(in: .whitespaces).hasPrefix("Z") ?? true
    }
}

extension HandlerSettings {
    /// A busy machine takes its time to start and to end a process.
    mutating func makePatient() {
        startTimeout = .seconds(3_600)
        endLimit = .seconds(3_600)
    }
}

/// A custom runtime on Python's standard library that does what the first record's payload says.
let pythonBootstrap = #"""
    #!/usr/bin/env python3
    import base64, http.client, json, os, signal, subprocess, sys

    mode = os.environ.get("MODE", "")
    if mode == "exit":
        sys.stderr.write("no database\n")
        sys.exit(3)
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime"

    def call(method, path, body=None, headers={}):
        connection.request(method, base + path, body, headers)
        response = connection.getresponse()
        return response, response.read()

    if mode == "init-error":
        call("POST", "/init/error", json.dumps({"errorMessage": "no table", "errorType": "SetupError"}))
        sys.exit(1)
    if mode == "no-poll":
        signal.pause()

    while True:
        response, event = call("GET", "/invocation/next")
        request = response.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.loads(event)
        records = event.get("Records", [])
        if "action" in event:
            words = event["action"].split(" ", 1)
        elif records:
            words = base64.b64decode(records[0]["kinesis"]["data"]).decode().split(" ", 1)
        else:
            words = ["echo"]
        action, argument = words[0], words[1] if len(words) > 1 else ""
        answer = "/invocation/%s/response" % request
        if action == "error":
            body = json.dumps({"errorMessage": argument, "errorType": "ValueError"})
            call("POST", "/invocation/%s/error" % request, body)
            continue
        if action == "hang":
            open(argument, "w").write(str(os.getpid()))
            signal.pause()
        if action == "exit":
            sys.stderr.write("lost the thread\n")
            sys.exit(7)
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action == "wrong-id":
            answer = "/invocation/another/response"
        if action == "spawn":
            open(argument, "w").write(str(subprocess.Popen(["sleep", "1000"]).pid))
        if action == "print":
            print(argument, flush=True)
        if action == "flood":
            for _ in range(100):
                os.write(1, b"x" * (1 << 20))
            os.write(1, b"\n")
        while action == "spew":
            os.write(1, b"never enough\n" * 1000)
        if action == "many-lines":
            os.write(1, (b"y" * 99 + b"\n") * 40000)
        if action == "append":
            with open(argument, "a") as file:
                for record in records:
                    file.write(record["kinesis"]["sequenceNumber"] + "\n")
        if action == "allocate":
            memory = bytearray(int(argument) << 20)
        if action == "descriptors":
            open(argument, "w").write(json.dumps(os.listdir("/proc/self/fd")))
        if action == "group":
            open(argument, "w").write("%d %d %d" % (os.getpid(), os.getpgrp(), os.getsid(0)))
        if action == "endless-answer":
            connection.putrequest("POST", base + answer)
            connection.putheader("Content-Length", str(1 << 50))
            connection.endheaders()
            while True:
                connection.send(b"z" * (1 << 20))
        if action == "echo":
            call("POST", answer, json.dumps(event))
            continue
        if action == "context":
            call("POST", answer, response.headers["Lambda-Runtime-Client-Context"])
            continue
        if action == "bytes-answer":
            call("POST", answer, b"z" * int(argument))
            continue
        if action == "escape":
            child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            open(argument, "w").write(str(child.pid))
        if action == "keep":
            kept = None
            kept = b"x" * (int(argument) << 20)
        if action == "fork-bomb":
            # Twice as many as a function may have: more would take the machine from other tests while the host is held up.
            for _ in range(2048):
                try:
                    if os.fork() == 0:
                        signal.pause()
                except OSError:
                    pass
            signal.pause()
        if action == "large-answer":
            call("POST", answer, b"z" * (7 << 20))
            continue
        call("POST", answer, b'{"handled": %d}' % len(records))
        if action == "answer-and-exit":
            sys.exit(0)
    """#
