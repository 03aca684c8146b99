import Foundation
import HandlerProcess
import Logging
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct HandlerStartTests {
    private func reason(_ outcome: InvocationOutcome) -> String {
        if case .notInvoked(let unavailable) = outcome { unavailable.reason } else { "\(outcome)" }
    }

    @Test func `a process that exits before it asks for work says why, and the batch was not invoked`()
        async throws
    {
        try await HandlerFixture.with(environment: ["MODE": "exit"], clock: TestClock()) { fixture in
            let outcome = await fixture.invoke("succeed")

            let why = "the process ended with exit code 3 before it asked for work: no database"
            #expect(reason(outcome) == "function counts cannot start: \(why) (next attempt in 0.25 s)")
            #expect(fixture.pool.status.startFailure == why)
        }
    }

    @Test func `an init error is the reason that the runtime gave`() async throws {
        try await HandlerFixture.with(environment: ["MODE": "init-error"]) { fixture in
            _ = await fixture.invoke("succeed")

            #expect(fixture.pool.status.startFailure == "SetupError: no table")
        }
    }

    @Test func `a process that never asks for work is killed after the start timeout`() async throws {
        try await HandlerFixture.with(
            environment: ["MODE": "no-poll"],
            settings: { $0.startTimeout = .milliseconds(300) }
        ) { fixture in
            let outcome = await fixture.invoke("succeed")

            #expect(reason(outcome).contains("the process did not ask for work in time"))
        }
    }

    @Test func `starts back off, and succeed again once the cause is gone`() async throws {
        let clock = TestClock()
        try await HandlerFixture.with(bootstrap: nil, clock: clock) { fixture in
            _ = await fixture.invoke("succeed")
            let path = fixture.file("bootstrap")
            #expect(fixture.pool.status.startFailure == "bootstrap \(path) does not exist")
            #expect(fixture.pool.status.nextAttempt == .milliseconds(250))

            _ = await fixture.invoke("succeed")
            #expect(fixture.pool.status.startFailures == 1, "no start is tried during the wait")
            clock.advance(by: .milliseconds(250))
            _ = await fixture.invoke("succeed")
            #expect(fixture.pool.status.nextAttempt == .milliseconds(500))

            try await writeProgram(pythonBootstrap, to: path)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            clock.advance(by: .milliseconds(500))
            let notExecutable = await fixture.invoke("succeed")
            #expect(reason(notExecutable).contains("is not executable"))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            clock.advance(by: .seconds(1))
            let outcome = await fixture.invoke("succeed")

            #expect(outcome == .succeeded)
            #expect(fixture.pool.status.startFailures == 0)
        }
    }

    @Test func `a bootstrap that the kernel cannot execute is named`() async throws {
        try await HandlerFixture.with(bootstrap: "#!/no/such/interpreter\n") { fixture in
            let outcome = await fixture.invoke("succeed")

            let path = fixture.file("bootstrap")
            #expect(reason(outcome).contains("\(path) cannot be started: execve: No such file or directory"))
        }
    }

    @Test func `a plugin that is not built says how to build it`() async throws {
        try await HandlerFixture.with(runtime: .swiftPlugin, handler: "Alerts", bootstrap: nil) { fixture in
            let outcome = await fixture.invoke("succeed")

            let hint =
                "plugin libAlerts.so is not built: run swift build -c release --package-path \(fixture.directory)"
            #expect(reason(outcome).contains(hint))
        }
    }

    @Test func `a Python without awslambdaric says what is missing`() async throws {
        // An isolated Python has no installed packages.
        let bareness = "#!/bin/sh\nshift 2\nexec python3 -I -S -m awslambdaric \"$@\"\n"
        try await HandlerFixture.with(
            runtime: .python("python3.12"),
            handler: "module.handler",
            bootstrap: bareness
        ) { fixture in
            var settings = HandlerSettings(
                logs: fixture.logs,
                python: fixture.file("bootstrap")
            )
            settings.logger.logLevel = .critical
            settings.makePatient()
            let pool = HandlerPool(function: fixture.function, settings: settings)
            let context = InvocationContext(requestID: "r", streamARN: "s", shard: "shard", functionARN: "f")

            let outcome = await pool.invoke(HandlerFixture.makeBatch(["x"]).all, context: context)
            await pool.shutDown(within: .zero)

            #expect(
                reason(outcome).contains(
                    "No module named awslambdaric: install it with pip install awslambdaric"
                )
            )
        }
    }
}
