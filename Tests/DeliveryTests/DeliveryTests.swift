import Delivery
import Logging
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DeliveryTests {
    private let clock = TestClock()
    private let checkpoints = Recorder<Checkpoint>()
    private let drain = DrainSignal()
    private let status = ShardStatus(checkpoint: .start(.trimHorizon))

    private func makeDelivery(_ handler: ClosureHandler) -> Delivery {
        let requests = Mutex(0)
        return Delivery(
            transport: handler,
            clock: clock,
            status: status,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            let request = requests.withLock { requests in
                requests += 1
                return requests
            }
            return InvocationContext(
                requestID: "request-\(request)",
                streamARN: "",
                shard: ShardID(number: 0),
                functionARN: ""
            )
        }
    }

    private func makeClaim(
        checkpoint: (@Sendable (Checkpoint) async throws -> Void)? = nil
    ) -> ShardClaim {
        ShardClaim(shard: ShardID(number: 0), start: .start(.trimHorizon), drain: drain) {
            [checkpoints] position in
            try await checkpoint?(position)
            checkpoints.append(position)
        }
    }

    /// A handler that gives these answers one after the other, and the last of them ever after.
    private func answering(_ outcomes: InvocationOutcome...) -> ClosureHandler {
        let left = Mutex(outcomes)
        return ClosureHandler { _ in left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
    }

    private var batch: RecordSelection { RecordBatch.numbered(1...5).all }

    @Test func `a batch that succeeds is checkpointed at its last record`() async throws {
        let handler = answering(.succeeded)

        let end = try await makeDelivery(handler).deliver(batch, of: makeClaim())

        #expect(end == .done)
        #expect(handler.numbers == [1, 2, 3, 4, 5])
        #expect(checkpoints.events == [.at(5)])
        #expect(status.current.checkpoint == .at(5))
        #expect(status.current.records == 5)
        #expect(status.current.batches == 1)
        #expect(status.current.failedInvocations == 0)
    }

    @Test func `an empty batch is done without an invocation`() async throws {
        let handler = answering(.succeeded)

        let end = try await makeDelivery(handler).deliver(RecordBatch.empty.all, of: makeClaim())

        #expect(end == .done)
        #expect(handler.numbers.isEmpty)
        #expect(checkpoints.events.isEmpty)
    }

    @Test func `what comes before a failed record is done, the rest is invoked again`() async throws {
        let handler = answering(.succeededBefore(3), .succeeded)
        async let end = makeDelivery(handler).deliver(batch, of: makeClaim())
        await clock.waitForSleepers()

        #expect(checkpoints.events == [.at(2)])
        #expect(status.current.records == 2)
        #expect(status.current.failedInvocations == 1)
        clock.advance(by: .milliseconds(250))

        #expect(try await end == .done)
        #expect(handler.invocations.events.map(\.numbers) == [[1, 2, 3, 4, 5], [3, 4, 5]])
        #expect(checkpoints.events == [.at(2), .at(5)])
    }

    @Test(arguments: [SequenceNumber(0), 1, 6, 99])
    func `nothing is done when the first record failed, or one that is not in the batch`(
        number: SequenceNumber
    ) async throws {
        let handler = answering(.succeededBefore(number), .succeeded)
        async let end = makeDelivery(handler).deliver(batch, of: makeClaim())
        await clock.waitForSleepers()

        #expect(checkpoints.events.isEmpty)
        clock.advance(by: .milliseconds(250))

        #expect(try await end == .done)
        #expect(handler.invocations.events.map(\.numbers.count) == [5, 5])
        #expect(checkpoints.events == [.at(5)])
    }

    @Test func `a number between the records of a batch says nothing about them`() async throws {
        let handler = answering(.succeededBefore(4), .succeeded)
        let batch = RecordBatch.numbered([1, 3, 5]).all
        async let end = makeDelivery(handler).deliver(batch, of: makeClaim())
        await clock.waitForSleepers()

        clock.advance(by: .milliseconds(250))

        #expect(try await end == .done)
        #expect(checkpoints.events == [.at(5)])
    }

    @Test func `a batch that fails is invoked again for ever, with back-off, under fresh request ids`()
        async throws
    {
        let handler = answering(.failed(.malformedReply(reason: "not JSON")))
        let delivering = Task { [claim = makeClaim()] in
            try await makeDelivery(handler).deliver(batch, of: claim)
        }
        for attempt in 1...50 {
            await handler.invocations.wait(for: attempt)
            await clock.waitForSleepers()
            guard case .retrying(let failures, let error, let delay) = status.current.activity else {
                Issue.record("\(status.current.activity)")
                break
            }
            #expect(failures == attempt)
            #expect(error == "malformed answer: not JSON")
            #expect(delay <= .seconds(30))
            if attempt >= 8 { #expect(delay >= .seconds(15)) }
            clock.advance(by: delay)
        }
        await handler.invocations.wait(for: 51)
        await clock.waitForSleepers()
        drain.request()

        #expect(try await delivering.value == .drained)
        #expect(checkpoints.events.isEmpty)
        #expect(Set(handler.invocations.events.map(\.context.requestID)).count == 51)
    }

    @Test func `no attempt is spent while the function cannot take a batch`() async throws {
        let handler = answering(.notInvoked(HandlerUnavailable(reason: "no bootstrap")), .succeeded)
        async let end = makeDelivery(handler).deliver(batch, of: makeClaim())
        await clock.waitForSleepers()

        #expect(status.current.activity == .waitingForFunction(reason: "no bootstrap"))
        #expect(status.current.failedInvocations == 0)
        clock.advance(by: .milliseconds(250))

        #expect(try await end == .done)
        #expect(status.current.failedInvocations == 0)
    }

    @Test func `draining lets the batch in flight finish and checkpoint`() async throws {
        let gate = Gate()
        let handler = ClosureHandler { _ in
            await gate.pass()
            return .succeeded
        }
        async let end = makeDelivery(handler).deliver(batch, of: makeClaim())
        await handler.invocations.wait(for: 1)

        drain.request()
        gate.open()

        #expect(try await end == .done)
        #expect(checkpoints.events == [.at(5)])
    }

    @Test func `draining between two attempts leaves the batch behind the checkpoint`() async throws {
        let handler = answering(.failed(.timedOut(after: .seconds(3))))
        async let end = makeDelivery(handler).deliver(batch, of: makeClaim())
        await clock.waitForSleepers()

        drain.request()

        #expect(try await end == .drained)
        #expect(handler.invocations.events.count == 1)
        #expect(checkpoints.events.isEmpty)
    }

    @Test func `a lost lease ends delivery at once`() async throws {
        let handler = answering(.succeeded)
        let key = LeaseKey(mapping: MappingID(unchecked: "m"), shard: ShardID(number: 0))

        await #expect(throws: LeaseLost(key: key)) {
            _ = try await makeDelivery(handler).deliver(
                batch,
                of: makeClaim { _ in throw LeaseLost(key: key) }
            )
        }

        #expect(handler.invocations.events.count == 1)
        #expect(status.current.records == 0)
    }

    @Test func `what a function answers after cancellation is dropped`() async throws {
        let gate = Gate()
        let handler = ClosureHandler { _ in
            await gate.pass()
            return .succeeded
        }
        let delivering = Task { [claim = makeClaim()] in
            try await makeDelivery(handler).deliver(batch, of: claim)
        }
        await handler.invocations.wait(for: 1)

        delivering.cancel()

        await #expect(throws: CancellationError.self) { _ = try await delivering.value }
        #expect(checkpoints.events.isEmpty)
    }

    @Test func `cancellation ends the wait between two attempts`() async throws {
        let handler = answering(.failed(.timedOut(after: .seconds(3))))
        let delivering = Task { [claim = makeClaim()] in
            try await makeDelivery(handler).deliver(batch, of: claim)
        }
        await clock.waitForSleepers()

        delivering.cancel()

        await #expect(throws: CancellationError.self) { _ = try await delivering.value }
    }
}
