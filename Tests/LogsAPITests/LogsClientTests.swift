import Foundation
import FunctionLogs
import Hummingbird
import LogsAPI
import ServerSupport
import StreamCore
import TestSupport
import Testing

/// The API as boto3 and the aws command line see it, behind a real server on a free port.
@Suite(.timeLimit(.minutes(5)))
struct LogsClientTests {
    /// Lends the address of a server on a log of two lines.
    private func withServer(_ body: @escaping @Sendable (FunctionLog, String) async throws -> Void)
        async throws
    {
        try await withTemporaryDirectory { directory in
            let logs = FunctionLogs(directory: directory)
            let log = logs.log(of: "alerts")
            log.append(Array("first\nERROR: no gate\n".utf8), to: log.open("2026/11/25/[$LATEST]a"))
            let endpoint = LogsEndpoint(LogsService(logs: logs))
            let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
                guard LogsEndpoint.handles(request) else { return Response(status: .notFound) }
                return try await endpoint.respond(to: request)
            }
            try await withLoopbackServer(responder) { port in
                try await body(log, "http://127.0.0.1:\(port)")
            }
        }
    }

    private static let venv = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(".build/venv/bin")

    private func makeProcess(_ program: URL, _ arguments: [String], _ output: Pipe) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = [
            "PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "PYTHONUNBUFFERED": "1",
        ]
        process.standardOutput = output
        try process.start()
        return process
    }

    /// Reads until the text has come, on a thread of its own.
    private func read(_ pipe: Pipe, until text: String) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var read = ""
                while !read.contains(text) {
                    let bytes = pipe.fileHandleForReading.availableData
                    guard !bytes.isEmpty else { break }
                    read += String(decoding: bytes, as: UTF8.self)
                }
                continuation.resume(returning: read)
            }
        }
    }

    @Test func `the aws command line filters a function's log`() async throws {
        try await withServer { _, url in
            let output = Pipe.toChild()
            let process = try makeProcess(
                Self.venv.appendingPathComponent("aws"),
                [
                    "--endpoint-url", url, "logs", "filter-log-events", "--log-group-name",
                    "/aws/lambda/alerts",
                    "--filter-pattern", "ERROR", "--query", "events[].message", "--output", "text",
                ],
                output
            )
            let text = await read(output, until: "\0")
            process.waitUntilExit()

            #expect(text.trimmingCharacters(in: .whitespacesAndNewlines) == "ERROR: no gate")
        }
    }

    @Test func `aws logs tail follows a function's log`() async throws {
        try await withServer { log, url in
            let output = Pipe.toChild()
            let process = try makeProcess(
                Self.venv.appendingPathComponent("python3"),
                ["-c", Self.follow, url, "/aws/lambda/alerts"],
                output
            )
            defer { process.terminate() }
            let before = await read(output, until: "ERROR: no gate\n")
            log.append(Array("second\n".utf8), to: log.open("2026/11/25/[$LATEST]b"))
            let after = await read(output, until: "second\n")

            #expect(before == "first\nERROR: no gate\n")
            #expect(after == "second\n")
        }
    }

    /// What `aws logs tail --follow` of version 2, which PyPI does not have, calls.
    private static let follow = """
        import boto3, sys, time

        client = boto3.client("logs", endpoint_url=sys.argv[1])
        request = {"logGroupName": sys.argv[2], "interleaved": True, "startTime": 0}
        seen = {}
        while True:
            answer = client.filter_log_events(**request)
            for event in answer["events"]:
                if event["eventId"] not in seen.setdefault(event["timestamp"], set()):
                    seen[event["timestamp"]].add(event["eventId"])
                    print(event["message"], end="")
            request.pop("nextToken", None)
            if "nextToken" in answer:
                request["nextToken"] = answer["nextToken"]
            else:
                newest = max(seen)
                seen = {newest: seen[newest]}
                request["startTime"] = newest
                time.sleep(0.1)
        """
}
