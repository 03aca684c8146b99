import Foundation
import HandlerProcess
import StreamCore
import TestSupport
import Testing

/// Lambda's Invoke, without its HTTP.
@Suite(.timeLimit(.minutes(15)))
struct PayloadTests {
    private func text(_ result: PayloadResult) -> String {
        switch result.outcome {
        case .answered(let body), .failed(_, let body): String(decoding: body, as: UTF8.self)
        case .notInvoked(let unavailable): "\(unavailable.kind): \(unavailable.reason)"
        }
    }

    @Test func `an event reaches the function as it was sent, and the answer comes back`() async throws {
        try await HandlerFixture.with(version: "3") { fixture in
            let result = await fixture.invokePayload(#"{"gate": "B7"}"#)

            #expect(result.outcome == .answered(Array(#"{"gate": "B7"}"#.utf8)))
            #expect(result.executedVersion == "3")
            #expect(result.logTail.hasPrefix("START RequestId: request-1 Version: 3\n"))
            #expect(result.logTail.contains("\nREPORT RequestId: request-1\t"))
        }
    }

    @Test func `a client context is passed on`() async throws {
        try await HandlerFixture.with { fixture in
            let result = await fixture.invokePayload(
                #"{"action": "context"}"#,
                clientContext: "{\n\"app\": 1}"
            )

            #expect(text(result) == #"{ "app": 1}"#)
        }
    }

    @Test func `an error comes back as the runtime posted it`() async throws {
        try await HandlerFixture.with { fixture in
            let result = await fixture.invokePayload(#"{"action": "error no gate"}"#)

            let failure = HandlerFailure.functionError(type: "ValueError", message: "no gate")
            let body = #"{"errorMessage": "no gate", "errorType": "ValueError"}"#
            #expect(result.outcome == .failed(failure, body: Array(body.utf8)))
        }
    }

    @Test(arguments: [
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 7"),
        ("kill", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("hang /dev/null", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ])
    func `the end of a process is told in Lambda's words`(action: String, type: String, message: String)
        async throws
    {
        // Only what never ends may run out of time.
        let timeoutSeconds = action.hasPrefix("hang") ? 1 : 3_600
        try await HandlerFixture.with(timeoutSeconds: timeoutSeconds) { fixture in
            let result = await fixture.invokePayload(#"{"action": "\#(action)"}"#)

            #expect(
                text(result)
                    == #"{"errorType":"\#(type)","errorMessage":"RequestId: request-1 Error: \#(message)"}"#
            )
        }
    }

    @Test func `an answer of 6 MB passes, and a longer one is the function's error`() async throws {
        try await HandlerFixture.with { fixture in
            let whole = await fixture.invokePayload(#"{"action": "bytes-answer \#(6 << 20)"}"#)
            let longer = await fixture.invokePayload(#"{"action": "bytes-answer \#((6 << 20) + 101)"}"#)

            #expect(text(whole).utf8.count == 6 << 20)
            let message =
                "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
            #expect(
                text(longer) == #"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"\#(message)"}"#
            )
        }
    }

    @Test func `while as many run as may, an event is throttled at once and a batch waits`() async throws {
        try await HandlerFixture.with { fixture in
            async let hanging = fixture.invoke("hang \(fixture.file("pid"))")
            await fixture.waitForFile("pid")
            async let waiting = fixture.invoke("succeed")
            while fixture.pool.status.waiting == 0 { await Task.yield() }

            let result = await fixture.invokePayload("{}")

            #expect(
                text(result) == "throttled: function counts is throttled: 1 invocations run, and no more may"
            )
            #expect(fixture.pool.status.waiting == 1)
            await fixture.pool.shutDown(within: .zero)
            _ = await (hanging, waiting)
        }
    }

    @Test func `a reserved concurrency of 0 throttles everything until it is raised`() async throws {
        try await HandlerFixture.with { fixture in
            fixture.pool.setConcurrencyLimit(0)
            let batch = await fixture.invoke("succeed")
            let event = await fixture.invokePayload("{}")
            fixture.pool.setConcurrencyLimit(1)
            let later = await fixture.invoke("succeed")

            let reason = "function counts is throttled: its reserved concurrency is 0"
            #expect(batch == .notInvoked(HandlerUnavailable(.throttled, reason: reason)))
            #expect(event.outcome == .notInvoked(HandlerUnavailable(.throttled, reason: reason)))
            #expect(later == .succeeded)
        }
    }

    @Test func `a plugin refuses an event`() async throws {
        try await HandlerFixture.with(runtime: .swiftPlugin, bootstrap: nil) { fixture in
            let result = await fixture.invokePayload("{}")

            #expect(text(result).hasPrefix("unsupported: function counts is a Swift plugin"))
        }
    }

    @Test func `an answer that is wanted comes back with what was printed: it may name failed records`()
        async throws
    {
        try await HandlerFixture.with { fixture in
            let context = InvocationContext(requestID: "r", streamARN: "s", shard: "shard", functionARN: "f")
            let invocation = Invocation(
                HandlerFixture.makeBatch(["print gate B7"]).all,
                context: context,
                wantsAnswer: true
            )

            let result = await fixture.pool.invoke(invocation)

            #expect(result.outcome == .answered(Array(#"{"handled": 1}"#.utf8)))
            #expect(result.logTail.contains("\ngate B7\n"))
        }
    }

    @Test func `a window without records reaches the function with its state`() async throws {
        try await HandlerFixture.with { fixture in
            let window = WindowContext(
                start: Timestamp(milliseconds: 1_607_497_440_000),
                end: Timestamp(milliseconds: 1_607_497_560_000),
                state: Array(#"{"n":1}"#.utf8),
                isFinal: true
            )
            let context = InvocationContext(requestID: "r", streamARN: "s", shard: "shard", functionARN: "f")

            let result = await fixture.pool.invoke(
                Invocation(RecordBatch.empty.all, context: context, window: window, wantsAnswer: true)
            )

            guard case .answered(let body) = result.outcome else { return #expect(Bool(false), "\(result)") }
            let event =
                #"{"Records": [], "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"}, "#
                + #""state": {"n": 1}, "shardId": "shard", "eventSourceARN": "s", "#
                + #""isFinalInvokeForWindow": true, "isWindowTerminatedEarly": false}"#
            #expect(String(decoding: body, as: UTF8.self) == event)
        }
    }

    @Test func `a pool that is warmed has a process that takes the next batch`() async throws {
        try await HandlerFixture.with { fixture in
            let problem = await fixture.pool.warm()
            let pid = fixture.pool.status.processes.first?.pid
            let outcome = await fixture.invoke("succeed")

            #expect(problem == nil)
            #expect(outcome == .succeeded)
            #expect(fixture.pool.status.processes.map(\.pid) == [pid])
        }
    }

    @Test(arguments: ["exit", "init-error"])
    func `code that does not start says why when it is warmed`(mode: String) async throws {
        try await HandlerFixture.with(environment: ["MODE": mode]) { fixture in
            let problem = await fixture.pool.warm()

            #expect(problem?.contains(mode == "exit" ? "no database" : "SetupError: no table") == true)
        }
    }
}
