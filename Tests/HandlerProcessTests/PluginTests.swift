import Foundation
import HandlerProcess
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(20)))
struct PluginTests {
    private func with<Result>(
        timeoutSeconds: Int = 3_600,
        environment: [String: String] = [:],
        concurrencyLimit: Int = 1,
        clock: any Clock<Duration> = ContinuousClock(),
        settings: (inout HandlerSettings) -> Void = { _ in },
        _ body: (HandlerFixture) async throws -> Result
    ) async throws -> Result {
        try await HandlerFixture.with(
            runtime: .swiftPlugin,
            handler: "TestPlugin",
            code: PluginPackage.shared.path(),
            bootstrap: nil,
            timeoutSeconds: timeoutSeconds,
            environment: environment,
            concurrencyLimit: concurrencyLimit,
            clock: clock,
            settings: settings,
            body
        )
    }

    private func message(_ outcome: InvocationOutcome) -> String {
        if case .failed(.functionError(_, let message)) = outcome { message } else { "\(outcome)" }
    }

    @Test func `a plugin built outside of this package handles a batch`() async throws {
        try await with { fixture in
            let outcomes = [await fixture.invoke("succeed"), await fixture.invoke("succeed")]

            #expect(outcomes == [.succeeded, .succeeded])
            #expect(fixture.pool.status.processes.map(\.invocations) == [2])
        }
    }

    @Test func `a plugin sees records, stream, request and deadline`() async throws {
        try await with { fixture in
            let outcome = await fixture.invoke("describe", "", "abc", requestID: "request-1")

            let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/flights"
            let records =
                #"["key@100@1545084650987=8", "key@101@1545084650987=0", "key@102@1545084650987=3"]"#
            #expect(message(outcome) == "shardId-000000000000 \(stream) request-1 true \(records) 1")
        }
    }

    @Test func `a record that a plugin keeps stays what it was`() async throws {
        try await with { fixture in
            for number in 0..<5 { _ = await fixture.invoke("keep \(number)", "and more") }
            let outcome = await fixture.invoke("kept")

            #expect(message(outcome) == (0..<5).map { "keep \($0),and more" }.joined(separator: ","))
        }
    }

    @Test func `the first of the failed records decides what comes again`() async throws {
        try await with { fixture in
            let byRecord = await fixture.invoke("fail-third", "b", "c", "d")
            let byNumber = await fixture.invoke("fail-number 101", "b", "c")
            let unknown = await fixture.invoke("fail-number 999", "b")

            #expect(byRecord == .succeededBefore(102))
            #expect(byNumber == .succeededBefore(101))
            #expect(message(unknown) == "the response names record 999, which is not in the batch")
        }
    }

    @Test func `a thrown error fails the batch with its type and text`() async throws {
        try await with { fixture in
            let outcome = await fixture.invoke("throw no such tail number")

            #expect(outcome == .failed(.functionError(type: "BadFlight", message: "no such tail number")))
        }
    }

    @Test func `an error in init is why the function cannot start`() async throws {
        try await with(environment: ["FAIL": "1"]) { fixture in
            _ = await fixture.invoke("succeed")

            #expect(fixture.pool.status.startFailure == "the function could not be made: no table")
        }
    }

    @Test func `a crash reports the last words and costs one attempt`() async throws {
        try await with { fixture in
            let outcome = await fixture.invoke("crash")
            let next = await fixture.invoke("succeed")

            guard case .failed(.exited(.signal, let words)) = outcome else {
                return #expect(Bool(false), "\(outcome)")
            }
            #expect(words.contains("wings fell off"))
            #expect(next == .succeeded)
        }
    }

    @Test func `an exit in the middle is reported with its code`() async throws {
        try await with { fixture in
            let outcome = await fixture.invoke("exit")

            #expect(outcome == .failed(.exited(.code(9), stderrTail: "")))
        }
    }

    @Test(arguments: ["garbage", "unknown-answer"])
    func `a plugin that breaks the protocol is ended`(action: String) async throws {
        try await with { fixture in
            let outcome = await fixture.invoke(action)

            guard case .failed(.malformedReply) = outcome else { return #expect(Bool(false), "\(outcome)") }
            let next = await fixture.invoke("succeed")
            #expect(next == .succeeded)
        }
    }

    @Test func `batches behind one that crashes or hangs are handled by another process`() async throws {
        for action in ["crash", "hang"] {
            let clock = TestClock()
            try await with(timeoutSeconds: 1, clock: clock, settings: { $0.processors = 1 }) { fixture in
                // A first answer shows that the function is fast, so that batches share a process.
                _ = await fixture.invoke("succeed")
                let release = fixture.file("begun.release")
                try #require(mkfifo(release, 0o600) == 0)
                let outcomes = try await withThrowingTaskGroup(of: InvocationOutcome.self) { group in
                    group.addTask { await fixture.invoke("\(action) \(fixture.file("begun"))") }
                    await fixture.waitForFile("begun")
                    // At once, so that they are in the channel before the process ends.
                    for _ in 0..<5 { group.addImmediateTask { await fixture.invoke("succeed") } }
                    if action == "hang" {
                        clock.advance(by: .seconds(1))
                    } else {
                        try await onOwnThread { _ = close(open(release, O_WRONLY)) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }

                #expect(outcomes.count { $0 == .succeeded } == 5, "\(outcomes)")
            }
        }
    }

    @Test func `many batches in flight are all answered, each once`() async throws {
        try await with(concurrencyLimit: 2) { fixture in
            let outcomes = await withTaskGroup(of: InvocationOutcome.self) { group in
                for _ in 0..<200 {
                    group.addTask { await fixture.invoke("succeed", String(repeating: "x", count: 50_000)) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }

            #expect(outcomes == Array(repeating: .succeeded, count: 200))
            #expect(fixture.pool.status.processes.reduce(0) { $0 + $1.invocations } == 200)
        }
    }

    @Test func `a batch of many megabytes reaches a plugin`() async throws {
        try await with { fixture in
            let outcome = await fixture.invoke("describe", String(repeating: "x", count: 10 << 20))

            #expect(message(outcome).contains("=10485760"))
        }
    }

    @Test func `a logged line is under its own request`() async throws {
        try await with { fixture in
            _ = await fixture.invoke("log late\nlater", requestID: "request-1")
            _ = await fixture.invoke("print printed", requestID: "request-2")
            await fixture.pool.shutDown(within: .seconds(3_600))

            let lines = fixture.printed.map { line in
                line.split(separator: "\t").enumerated().filter { $0.offset != 1 }.map(\.element)
            }
            #expect(
                lines == [["[INFO]", "request-1", "late"], ["[INFO]", "request-1", "later"], ["printed"]]
            )
        }
    }

    @Test func `a plugin in a tumbling window gets the state and gives it back`() async throws {
        func invoke(_ fixture: HandlerFixture, _ payloads: [String], _ window: WindowContext?) async -> String
        {
            let invocation = Invocation(
                HandlerFixture.makeBatch(payloads).all,
                context: InvocationContext(
                    requestID: "request",
                    streamARN: "s",
                    shard: "shard",
                    functionARN: "f"
                ),
                window: window,
                wantsAnswer: true
            )
            let outcome = await fixture.pool.invoke(invocation).outcome
            if case .answered(let body) = outcome { return String(decoding: body, as: UTF8.self) }
            return message(outcome)
        }
        func window(_ state: String, isFinal: Bool = false, isTerminatedEarly: Bool = false) -> WindowContext
        {
            WindowContext(
                start: Timestamp(milliseconds: 60_000),
                end: Timestamp(milliseconds: 120_000),
                state: Array(state.utf8),
                isFinal: isFinal,
                isTerminatedEarly: isTerminatedEarly
            )
        }

        try await with { fixture in
            let first = await invoke(fixture, ["window"], window("{}"))
            let partial = await invoke(fixture, ["window fail", "b"], window("1", isTerminatedEarly: true))
            let last = await invoke(fixture, [], window(#"{"sum":3}"#, isFinal: true))
            let outside = await invoke(fixture, ["window"], nil)

            let times = #""from":60000,"to":120000"#
            #expect(
                first == #"{"state":{"was":{},\#(times),"flags":[false, false]},"batchItemFailures":[]}"#
            )
            #expect(
                partial == #"{"state":{"was":1,\#(times),"flags":[false, true]},"#
                    + #""batchItemFailures":[{"itemIdentifier":"101"}]}"#
            )
            #expect(last == #"{"state":{"sum":3},"batchItemFailures":[]}"#)
            #expect(outside == "no window")
        }
    }

    @Test func `a library that is no plugin says so`() async throws {
        try await withTemporaryDirectory { directory in
            try Data("not a library".utf8).write(to: URL(fileURLWithPath: "\(directory)/libTestPlugin.so"))
            try await HandlerFixture.with(
                runtime: .swiftPlugin,
                handler: "TestPlugin",
                code: directory,
                bootstrap: nil
            ) { fixture in
                _ = await fixture.invoke("succeed")

                let failure = try #require(fixture.pool.status.startFailure)
                #expect(failure.contains("exit code 66"))
                #expect(failure.contains("libTestPlugin.so cannot be loaded"))
            }
        }
    }
}
