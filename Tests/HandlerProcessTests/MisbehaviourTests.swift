import Foundation
import StreamCore
import TestSupport
import Testing

@testable import HandlerProcess

/// Processes that break every rule must cost their own batch an attempt and the host neither memory nor time.
@Suite(.timeLimit(.minutes(2)))
struct MisbehaviourTests {
    /// A runner in Python, so that frames can be left half read; the library is never loaded.
    private func withRunner<Result>(
        _ mode: String,
        timeoutSeconds: Int = 20,
        clock: any Clock<Duration> = ContinuousClock(),
        _ body: (HandlerFixture) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { code in
            let runner = "\(code)/runner"
            try Self.runner.write(toFile: runner, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: runner)
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
        channel.sendall(bytes([4, 0, 0, 0, 1, 1, 0, 0]) + bytes(4))
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

    @Test func `a start that failed is tried again while another process has a long batch`() async throws {
        try await HandlerFixture.with(concurrencyLimit: 2) { fixture in
            async let hanging = fixture.invoke("hang \(fixture.file("pid"))")
            while !FileManager.default.fileExists(atPath: fixture.file("pid")) { await Task.yield() }
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
