import Foundation
import HandlerProcess
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct HandlerPoolTests {
    @Test func `a function gets its batch and keeps its process for the next one`() async throws {
        try await HandlerFixture.with { fixture in
            let outcomes = [await fixture.invoke("succeed"), await fixture.invoke("succeed")]

            #expect(outcomes == [.succeeded, .succeeded])
            #expect(fixture.pool.status.processes.map(\.invocations) == [2])
            #expect(fixture.pool.status.processes.map(\.state) == [.idle])
        }
    }

    @Test func `batches of one caller are handled in order`() async throws {
        try await HandlerFixture.with { fixture in
            for _ in 0..<5 { _ = await fixture.invoke("append \(fixture.file("seen"))", "b", "c") }

            let seen = try fixture.contents("seen").split(separator: "\n").map(String.init)
            #expect(seen == (0..<5).flatMap { _ in ["100", "101", "102"] })
        }
    }

    @Test func `a function's error arrives with type and message, and its process goes on`() async throws {
        try await HandlerFixture.with { fixture in
            let failed = await fixture.invoke("error no such flight")
            let next = await fixture.invoke("succeed")

            #expect(failed == .failed(.functionError(type: "ValueError", message: "no such flight")))
            #expect(next == .succeeded)
            #expect(fixture.pool.status.processes.map(\.invocations) == [2])
        }
    }

    @Test func `a response over Lambda's limit is an error of the function`() async throws {
        try await HandlerFixture.with { fixture in
            let outcome = await fixture.invoke("large-answer")

            let message =
                "Response payload size (7340032 bytes) exceeded maximum allowed payload size (6291556 bytes)."
            #expect(
                outcome == .failed(.functionError(type: "Function.ResponseSizeTooLarge", message: message))
            )
        }
    }

    @Test func `a handler that exits in the middle costs one attempt and is replaced`() async throws {
        try await HandlerFixture.with { fixture in
            let failed = await fixture.invoke("exit")
            let next = await fixture.invoke("succeed")

            #expect(failed == .failed(.exited(.code(7), stderrTail: "lost the thread")))
            #expect(next == .succeeded)
        }
    }

    @Test func `a handler that is killed in the middle costs one attempt`() async throws {
        try await HandlerFixture.with { fixture in
            let outcome = await fixture.invoke("kill")

            #expect(outcome == .failed(.exited(.signal(SIGKILL), stderrTail: "")))
        }
    }

    @Test func `a handler that ends after its answer costs nothing`() async throws {
        try await HandlerFixture.with { fixture in
            var outcomes: [InvocationOutcome] = []
            for _ in 0..<3 { outcomes.append(await fixture.invoke("answer-and-exit")) }

            #expect(outcomes == [.succeeded, .succeeded, .succeeded])
        }
    }

    @Test func `a handler that is killed while idle is replaced when it is needed`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("succeed")
            let pid = try #require(fixture.pool.status.processes.first?.pid)
            kill(pid, SIGKILL)
            while fixture.pool.status.processes.contains(where: { $0.pid == pid }) { await Task.yield() }

            let outcome = await fixture.invoke("succeed")

            #expect(outcome == .succeeded)
            #expect(fixture.pool.status.startFailures == 0)
        }
    }

    @Test func `a batch that passes the timeout is given up and its process killed`() async throws {
        let clock = TestClock()
        try await HandlerFixture.with(timeoutSeconds: 1, clock: clock) { fixture in
            #expect(await fixture.pool.warm() == nil)
            let pid = try #require(fixture.pool.status.processes.first?.pid)
            async let hanging = fixture.invoke("hang \(fixture.file("pid"))")
            await fixture.waitForFile("pid")
            clock.advance(by: .milliseconds(999))
            clock.advance(by: .milliseconds(1))

            #expect(await hanging == .failed(.timedOut(after: .seconds(1))))
            #expect(fixture.log.contains { $0.contains("\tDuration: 1000.00 ms\t") })
            #expect(HandlerFixture.isGone(pid))
            let next = await fixture.invoke("succeed")
            #expect(next == .succeeded)
        }
    }

    @Test func `an answer to a request that is not in flight ends the process`() async throws {
        try await HandlerFixture.with { fixture in
            let outcome = await fixture.invoke("wrong-id")

            let reason = "an answer to request another, which is not in flight"
            #expect(outcome == .failed(.malformedReply(reason: reason)))
        }
    }

    @Test func `as many processes run as the concurrency limit allows, and the others wait`() async throws {
        try await HandlerFixture.with(concurrencyLimit: 3) { fixture in
            let outcomes = await withTaskGroup(of: InvocationOutcome.self) { group in
                for _ in 0..<12 { group.addTask { await fixture.invoke("succeed") } }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(outcomes == Array(repeating: .succeeded, count: 12))
            let status = fixture.pool.status
            #expect((1...3).contains(status.processes.count))
            #expect(status.processes.reduce(0) { $0 + $1.invocations } == 12)
        }
    }

    @Test func `a cancelled call returns while its handler goes on`() async throws {
        try await HandlerFixture.with { fixture in
            let call = Task { await fixture.invoke("hang \(fixture.file("pid"))") }
            while fixture.pool.status.processes.first?.state != .busy { await Task.yield() }

            call.cancel()
            let outcome = await call.value

            guard case .notInvoked = outcome else { return #expect(Bool(false), "\(outcome)") }
            #expect(fixture.pool.status.processes.map(\.state) == [.busy])
        }
    }

    @Test func `shutting down lets a batch in flight finish and refuses new ones`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("succeed")
            async let last = fixture.invoke("append \(fixture.file("seen"))")
            while fixture.pool.status.processes.first?.state != .busy,
                !FileManager.default.fileExists(atPath: fixture.file("seen"))
            {
                await Task.yield()
            }
            await fixture.pool.shutDown(within: .seconds(3_600))

            #expect(await last == .succeeded)
            let refused = await fixture.invoke("succeed")
            #expect(refused == .notInvoked(HandlerUnavailable(reason: "function counts is shutting down")))
            #expect(fixture.pool.status.processes.isEmpty)
        }
    }

    @Test func `a batch that outlasts the shutdown is killed`() async throws {
        try await HandlerFixture.with { fixture in
            async let hanging = fixture.invoke("hang \(fixture.file("pid"))")
            await fixture.waitForFile("pid")

            await fixture.pool.shutDown(within: .milliseconds(10))

            #expect(await hanging == .failed(.exited(.signal(SIGKILL), stderrTail: "")))
        }
    }

    @Test func `no child is left behind`() async throws {
        try await HandlerFixture.with { fixture in
            for _ in 0..<3 { _ = await fixture.invoke("exit") }
            _ = await fixture.invoke("succeed")
            let pid = try #require(fixture.pool.status.processes.first?.pid)
            await fixture.pool.shutDown(within: .seconds(3_600))

            #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        }
    }
}
