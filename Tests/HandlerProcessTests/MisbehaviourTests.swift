import Foundation
import FoundationNetworking
import FunctionLogs
import StreamCore
import TestSupport
import Testing

@testable import HandlerProcess

/// Processes that break every rule must cost their own batch an attempt and the host neither memory nor time.
@Suite(.timeLimit(.minutes(15)))
struct MisbehaviourTests {
    /// A runner in Python, so that frames can be left half read; the library is never loaded.
    private func withRunner<Result>(
        _ mode: String,
        timeoutSeconds: Int = 300,
        clock: any Clock<Duration> = ContinuousClock(),
        _ body: (HandlerFixture) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { code in
            let runner = "\(code)/runner"
            try await writeProgram(Self.runner, to: runner)
            try Data().write(to: URL(fileURLWithPath: "\(code)/libTestPlugin.so"))
            return try await HandlerFixture.with(
                runtime: .swiftPlugin,
                handler: "TestPlugin",
                code: code,
                bootstrap: nil,
                timeoutSeconds: timeoutSeconds,
                environment: ["MODE": mode],
                clock: clock,
                settings: { $0.pluginRunner = runner },
                body
            )
        }
    }

    private static let runner = #"""
        #!/usr/bin/env python3
        import os, signal, socket

        channel = socket.socket(fileno=3)
        mode = os.environ["MODE"]
        if mode == "leave":
            channel.shutdown(socket.SHUT_RD)
        channel.sendall(bytes([4, 0, 0, 0, 1, 2, 0, 0]) + bytes(4))
        if mode == "leave":
            os._exit(5)
        channel.recv(100)
        if mode == "exit":
            os._exit(5)
        while mode == "garbage":
            channel.sendall(b"no frame" * 8192)
        signal.pause()
        """#

    /// More than a socket takes at once.
    private let large = String(repeating: "x", count: 8 << 20)

    @Test func `a plugin that ends before it has read its batch costs an attempt`() async throws {
        try await withRunner("exit") { fixture in
            let outcome = await fixture.invoke(large)

            #expect(outcome == .failed(.exited(.code(5), stderrTail: "")))
        }
    }

    @Test func `a plugin that hangs before it has read its batch is timed out`() async throws {
        try await withRunner("hang", timeoutSeconds: 1) { fixture in
            let outcome = await fixture.invoke(large)

            #expect(outcome == .failed(.timedOut(after: .seconds(1))))
        }
    }

    @Test func `a process that ends when it should take its first batch has not started`() async throws {
        try await withRunner("leave", clock: TestClock()) { fixture in
            let outcome = await fixture.invoke("succeed")

            let why = "the process ended with exit code 5 before it took a batch"
            let reason = "function counts cannot start: \(why) (next attempt in 0.25 s)"
            #expect(outcome == .notInvoked(HandlerUnavailable(reason: reason)))
        }
    }

    @Test func `a plugin that never stops writing garbage is ended at once`() async throws {
        try await withRunner("garbage") { fixture in
            let outcome = await fixture.invoke("succeed")

            guard case .failed(.malformedReply) = outcome else { return #expect(Bool(false), "\(outcome)") }
        }
    }

    @Test func `a runtime that never ends its response is timed out`() async throws {
        try await HandlerFixture.with(timeoutSeconds: 1) { fixture in
            let outcome = await fixture.invoke("endless-answer")

            #expect(outcome == .failed(.timedOut(after: .seconds(1))))
        }
    }

    @Test func `a process that is killed with its memory used up ran out of memory`() async throws {
        try await HandlerFixture.with(memoryMegabytes: 128) { fixture in
            // How much a process has is looked at now and then, and the report of an invocation tells what was seen.
            var seen = 0
            while seen < 116, !Task.isCancelled {
                #expect(await fixture.invoke("keep 112") == .succeeded)
                seen = try #require(fixture.log.compactMap(reportedMegabytes).last)
            }
            let outcome = await fixture.invoke("kill")

            guard case .failed(.outOfMemory(128, _)) = outcome else {
                return #expect(Bool(false), "\(outcome)")
            }
            #expect(await fixture.invoke("succeed") == .succeeded)
        }
    }

    /// What a line says that ends an invocation; `nil` for other lines.
    private func reportedMegabytes(_ line: String) -> Int? {
        line.firstMatch(of: /^REPORT .*\tMax Memory Used: (\d+) MB/).flatMap { Int($0.output.1) }
    }

    @Test func `a function that prints without end is timed out, and its log keeps within its limit`()
        async throws
    {
        let clock = TestClock()
        try await HandlerFixture.with(timeoutSeconds: 1, clock: clock, logBytes: 1 << 20) { fixture in
            async let spewing = fixture.invoke("spew")
            while fixture.printed.isEmpty, !Task.isCancelled { await Task.yield() }
            clock.advance(by: .seconds(1))
            let outcome = await spewing
            let next = await fixture.invoke("succeed")

            #expect(outcome == .failed(.timedOut(after: .seconds(1))))
            #expect(next == .succeeded)
            #expect(fixture.logs.log(of: "counts").storedBytes <= 1 << 20)
        }
    }

    @Test func `a function goes on when its log cannot be written`() async throws {
        try await HandlerFixture.with { fixture in
            try Data().write(to: URL(fileURLWithPath: fixture.file("logs")))

            let outcomes = [await fixture.invoke("print lost"), await fixture.invoke("succeed")]
            let payload = await fixture.invokePayload(#"{"action":"print still here"}"#)

            #expect(outcomes == [.succeeded, .succeeded])
            #expect(payload.logTail.contains("still here"))
            #expect(fixture.log == [])
        }
    }

    @Test(arguments: [
        // The shell that starts it stays its parent.
        ("#!/bin/sh\npython3 ./runtime.py\n", ""),
        // The shell is replaced by it.
        ("#!/bin/sh\nexec python3 ./runtime.py\n", ""),
        ("#!/bin/sh\nexec python3 ./runtime.py\n", "if os.fork(): os._exit(os.wait()[1])"),
        ("#!/bin/sh\nexec python3 ./runtime.py\n", "api = '::ffff:' + api"),
    ])
    func `a runtime is served that a shell starts, in a forked process and over IPv6 sockets`(
        bootstrap: String,
        change: String
    ) async throws {
        let runtime = pythonBootstrap.replacing(
            #"connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])"#,
            with: """
                api = os.environ["AWS_LAMBDA_RUNTIME_API"]
                \(change)
                connection = http.client.HTTPConnection(*api.rsplit(":", 1))
                """
        )
        try await HandlerFixture.with(bootstrap: bootstrap) { fixture in
            try runtime.write(toFile: fixture.file("runtime.py"), atomically: true, encoding: .utf8)

            let outcomes = [await fixture.invoke("succeed"), await fixture.invoke("succeed")]

            #expect(outcomes == [.succeeded, .succeeded])
        }
    }

    @Test func `a fork bomb costs one attempt and leaves nothing behind`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("succeed")
            let leader = try #require(fixture.pool.status.processes.first?.pid)

            let outcome = await fixture.invoke("fork-bomb")
            let next = await fixture.invoke("succeed")

            #expect(outcome == .failed(.tooManyProcesses(limit: 1024)))
            #expect(next == .succeeded)
            #expect(ProcessTable.members(ofSession: leader).isEmpty)
        }
    }

    @Test func `a child that left the session is killed with its handler`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("escape \(fixture.file("child"))")
            let child = try #require(Int32(try fixture.contents("child")))
            #expect(!HandlerFixture.isGone(child))

            _ = await fixture.invoke("exit")

            while !HandlerFixture.isGone(child) { await Task.yield() }
        }
    }

    @Test func `another process is not served at a function's Runtime API`() async throws {
        let bootstrap = pythonBootstrap.replacing(
            "connection = http",
            with: "open('address', 'w').write(os.environ['AWS_LAMBDA_RUNTIME_API'])\nconnection = http"
        )
        try await HandlerFixture.with(bootstrap: bootstrap) { fixture in
            _ = await fixture.invoke("succeed")
            let address = try fixture.contents("address")
            let url = try #require(URL(string: "http://\(address)/2018-06-01/runtime/invocation/next"))

            await #expect(throws: URLError.self) { try await URLSession.shared.data(from: url) }

            #expect(await fixture.invoke("succeed") == .succeeded)
        }
    }

    @Test func `a start that failed is tried again while another process has a long batch`() async throws {
        // The long batch must not time out on a busy machine before the other one has run.
        try await HandlerFixture.with(timeoutSeconds: 3_600, concurrencyLimit: 2) { fixture in
            async let hanging = fixture.invoke("hang \(fixture.file("pid"))")
            await fixture.waitForFile("pid")
            let bootstrap = fixture.file("bootstrap")
            try FileManager.default.moveItem(atPath: bootstrap, toPath: fixture.file("away"))
            async let second = fixture.invoke("succeed")
            while fixture.pool.status.startFailures == 0 { await Task.yield() }
            try FileManager.default.moveItem(atPath: fixture.file("away"), toPath: bootstrap)

            #expect(await second == .succeeded)
            #expect(fixture.pool.status.processes.contains { $0.state == .busy })
            await fixture.pool.shutDown(within: .zero)
            _ = await hanging
        }
    }
}
