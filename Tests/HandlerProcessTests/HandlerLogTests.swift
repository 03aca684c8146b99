import Foundation
import FunctionLogs
import HandlerProcess
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct HandlerLogTests {
    @Test func `an invocation is logged with the lines that Lambda prints around it`() async throws {
        try await HandlerFixture.with(version: "7") { fixture in
            _ = await fixture.invoke("print gate B7", requestID: "request-1")
            _ = await fixture.invoke("succeed", requestID: "request-2")
            await fixture.pool.shutDown(within: .seconds(3_600))

            let log = fixture.log
            #expect(
                Array(log[0...2]) == [
                    "START RequestId: request-1 Version: 7", "gate B7", "END RequestId: request-1",
                ]
            )
            let report =
                #/REPORT RequestId: request-1\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t/#
            #expect(log[3].prefixMatch(of: report) != nil)
            let memory =
                #/\tMemory Size: 256 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: \d+\.\d\d ms\t/#
            #expect(log[3].firstMatch(of: memory) != nil)
            #expect(!log[6].contains("Init Duration"), "the second report of a process has none: \(log)")
        }
    }

    @Test func `a process has a stream of its own, whose name it knows`() async throws {
        let script = "#!/bin/sh\necho \"$AWS_LAMBDA_LOG_STREAM_NAME\"\n"
        try await HandlerFixture.with(bootstrap: script) { fixture in
            _ = await fixture.invoke("succeed")

            let events = fixture.logs.log(of: "counts").events(LogQuery()).events
            #expect(events.first?.message == events.first?.stream)
            #expect(events.last?.message.hasPrefix("Error: the process ended with exit code 0") == true)
        }
    }

    @Test func `a timeout is logged, and a failure has the invocation's own last lines`() async throws {
        let clock = TestClock()
        try await HandlerFixture.with(timeoutSeconds: 1, clock: clock) { fixture in
            #expect(await fixture.invoke("print earlier") == .succeeded)
            async let hanging = fixture.pool.invoke(
                Invocation(
                    HandlerFixture.makeBatch(["hang \(fixture.file("pid"))"]).all,
                    context: InvocationContext(
                        requestID: "request-1",
                        streamARN: "s",
                        shard: "shard",
                        functionARN: "f"
                    )
                )
            )
            await fixture.waitForFile("pid")
            clock.advance(by: .seconds(1))
            let result = await hanging

            let lines = result.logTail.split(separator: "\n")
            #expect(lines.first == "START RequestId: request-1 Version: $LATEST")
            #expect(lines.contains { $0.hasSuffix("request-1 Task timed out after 1.00 seconds") })
            #expect(lines.last?.hasSuffix("Status: timeout") == true)
            #expect(!result.logTail.contains("earlier"))
            #expect(fixture.log.suffix(lines.count) == lines.map(String.init)[...])
        }
    }

    @Test func `a line of 100 MB delays nothing and is cut at 64 KiB`() async throws {
        try await HandlerFixture.with { fixture in
            let outcome = await fixture.invoke("flood")
            await fixture.pool.shutDown(within: .seconds(3_600))

            #expect(outcome == .succeeded)
            #expect(fixture.printed.first?.hasSuffix("x … (cut)") == true)
            #expect(fixture.printed.map(\.utf8.count).reduce(0, +) < 70_000)
        }
    }

    @Test func `a log keeps within its limit however much is printed`() async throws {
        try await HandlerFixture.with(logBytes: 1 << 20) { fixture in
            _ = await fixture.invoke("many-lines")
            _ = await fixture.invoke("print the end")
            await fixture.pool.shutDown(within: .seconds(3_600))

            let log = fixture.logs.log(of: "counts")
            #expect(log.storedBytes <= 1 << 20)
            var query = LogQuery()
            query.limit = 3
            #expect(log.events(query, before: log.end).events.first?.message == "the end")
        }
    }
}
