import Foundation
import StreamCore
import TestSupport
import Testing

@testable import LambdaAPI

@Suite(.timeLimit(.minutes(5)))
struct EventInvocationTests {
    private static let invocation = PayloadInvocation(
        payload: Array("{}".utf8),
        requestID: "r",
        functionARN: "arn"
    )

    private static func result(_ outcome: PayloadResult.Outcome) -> PayloadResult {
        PayloadResult(outcome, executedVersion: .latest, logTail: "")
    }

    static let failures: [PayloadResult.Outcome] = [
        .failed(.malformedReply(reason: "x"), body: []),
        .notInvoked(HandlerUnavailable(reason: "the process ended with exit code 1")),
    ]

    @Test(arguments: failures)
    func `an event that fails gets two more attempts, one and two minutes later`(
        outcome: PayloadResult.Outcome
    ) async throws {
        let clock = TestClock()
        let attempts = Recorder<Duration>()
        let start = clock.now
        let events = EventInvocations(
            invoke: { _, _, _ in
                attempts.append(start.duration(to: clock.now))
                return Self.result(outcome)
            },
            clock: clock,
            logger: LambdaServer.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await events.run() }
            try events.accept(Self.invocation, of: "f", nil)
            await clock.waitForSleepers()
            clock.advance(by: .seconds(60))
            await attempts.wait(for: 2)
            await clock.waitForSleepers()
            clock.advance(by: .seconds(120))
            await attempts.wait(for: 3)
            group.cancelAll()
        }

        #expect(attempts.events == [.zero, .seconds(60), .seconds(180)])
        #expect(events.count == 0)
    }

    @Test func `an event that is throttled is offered again and spends no attempt`() async throws {
        let clock = TestClock()
        let offers = Recorder<Void>()
        let events = EventInvocations(
            invoke: { _, _, _ in
                offers.append(())
                let isBusy = offers.events.count < 5
                return Self.result(
                    isBusy ? .notInvoked(HandlerUnavailable(.throttled, reason: "busy")) : .answered([])
                )
            },
            clock: clock,
            logger: LambdaServer.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await events.run() }
            try events.accept(Self.invocation, of: "f", nil)
            for pause in [1, 2, 4, 8] {
                await clock.waitForSleepers()
                clock.advance(by: .seconds(pause))
            }
            await offers.wait(for: 5)
            group.cancelAll()
        }

        #expect(offers.events.count == 5)
    }

    @Test func `an event that the function can never take is dropped at once`() async throws {
        let offers = Recorder<Void>()
        let events = EventInvocations(
            invoke: { _, _, _ in
                offers.append(())
                return Self.result(.notInvoked(HandlerUnavailable(.unsupported, reason: "a plugin")))
            },
            clock: TestClock(),
            logger: LambdaServer.logger
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await events.run() }
            try? events.accept(Self.invocation, of: "f", nil)
            await offers.wait(for: 1)
            while events.count > 0 { await Task.yield() }
            group.cancelAll()
        }

        #expect(offers.events.count == 1)
    }

    @Test func `events are refused when as many wait as there is room for`() throws {
        let events = EventInvocations(
            invoke: { _, _, _ in Self.result(.answered([])) },
            clock: TestClock(),
            logger: LambdaServer.logger
        )
        for _ in 0..<1_000 { try events.accept(Self.invocation, of: "f", nil) }

        let error = #expect(throws: LambdaError.self) { try events.accept(Self.invocation, of: "f", nil) }

        #expect(error?.kind == .tooManyRequests)
    }
}
