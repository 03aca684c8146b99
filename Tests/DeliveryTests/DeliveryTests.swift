import Delivery
import Logging
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DeliveryTests {
    private let clock = TestClock()
    private let checkpoints = Recorder<Checkpoint>()
    private let commits = Recorder<ShardCommit>()
    private let wallClock = WallClock()
    private let drain = DrainSignal()
    private let status = ShardStatus(checkpoint: .start(.trimHorizon))

    private func makeDelivery(
        _ handler: ClosureHandler,
        limits: RetryLimits = RetryLimits(),
        reportsFailures: Bool = false,
        progress: ShardProgress = .none,
        commit: (@Sendable (ShardCommit) async throws -> Void)? = nil
    ) -> Delivery {
        let requests = Mutex(0)
        let claim = ShardClaim(shard: ShardID(number: 0), start: .start(.trimHorizon), drain: drain) {
            [checkpoints, commits] step in
            try await commit?(step)
            commits.append(step)
            if let position = step.checkpoint { checkpoints.append(position) }
        }
        return Delivery(
            function: .test(handler, reportsFailures: reportsFailures) {
                let request = requests.withLock { requests in
                    requests += 1
                    return requests
                }
                return "request-\(request)"
            },
            limits: limits,
            clock: clock,
            now: { [wallClock] in wallClock.now },
            ledger: ShardLedger(
                claim,
                checkpoint: claim.start,
                progress: progress,
                laneCount: 1,
                keepsWindow: true
            ),
            status: status,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// A handler that gives these answers one after the other, and the last of them ever after.
    private func answering(_ outcomes: InvocationOutcome...) -> ClosureHandler {
        let left = Mutex(outcomes)
        return ClosureHandler { _ in left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
    }

    private var batch: RecordSelection { RecordBatch.numbered(1...5).all }

    @Test func `a batch that succeeds is checkpointed at its last record`() async throws {
        let handler = answering(.succeeded)

        let end = try await makeDelivery(handler).deliver(batch)

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

        let end = try await makeDelivery(handler).deliver(RecordBatch.empty.all)

        #expect(end == .done)
        #expect(handler.numbers.isEmpty)
        #expect(checkpoints.events.isEmpty)
    }

    @Test func `what comes before a failed record is done, the rest is invoked again`() async throws {
        let handler = answering(.succeededBefore(3), .succeeded)
        async let end = makeDelivery(handler).deliver(batch)
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
        async let end = makeDelivery(handler).deliver(batch)
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
        async let end = makeDelivery(handler).deliver(batch)
        await clock.waitForSleepers()

        clock.advance(by: .milliseconds(250))

        #expect(try await end == .done)
        #expect(checkpoints.events == [.at(5)])
    }

    @Test func `a batch that fails is invoked again for ever, with back-off, under fresh request ids`()
        async throws
    {
        let handler = answering(.failed(.malformedReply(reason: "not JSON")))
        let delivering = Task {
            try await makeDelivery(handler).deliver(batch)
        }
        for attempt in 1...50 {
            await handler.invocations.wait(for: attempt)
            await clock.waitForSleepers()
            guard case .retrying(let failures, _, let error, let delay) = status.current.activity else {
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
        async let end = makeDelivery(handler).deliver(batch)
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
        async let end = makeDelivery(handler).deliver(batch)
        await handler.invocations.wait(for: 1)

        drain.request()
        gate.open()

        #expect(try await end == .done)
        #expect(checkpoints.events == [.at(5)])
    }

    @Test func `draining between two attempts leaves the batch behind the checkpoint`() async throws {
        let handler = answering(.failed(.timedOut(after: .seconds(3))))
        async let end = makeDelivery(handler).deliver(batch)
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
            _ = try await makeDelivery(handler, commit: { _ in throw LeaseLost(key: key) }).deliver(batch)
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
        let delivering = Task {
            try await makeDelivery(handler).deliver(batch)
        }
        await handler.invocations.wait(for: 1)

        delivering.cancel()

        await #expect(throws: CancellationError.self) { _ = try await delivering.value }
        #expect(checkpoints.events.isEmpty)
    }

    @Test func `cancellation ends the wait between two attempts`() async throws {
        let handler = answering(.failed(.timedOut(after: .seconds(3))))
        let delivering = Task {
            try await makeDelivery(handler).deliver(batch)
        }
        await clock.waitForSleepers()

        delivering.cancel()

        await #expect(throws: CancellationError.self) { _ = try await delivering.value }
    }

    // MARK: Limits

    @Test func `Lambda's own measurement of partial failures under a budget is met`() async throws {
        // BatchSize 3, MaximumRetryAttempts 3, six records of which the last always fails: records 1 to 5 were
        // delivered once each, record 6 five times; the failure says approximateInvokeCount 4, batchSize 1.
        let handler = ClosureHandler { $0.numbers.contains(6) ? .succeededBefore(6) : .succeeded }
        let delivery = makeDelivery(handler, limits: RetryLimits(retries: 3), reportsFailures: true)

        try await clock.letPass(.seconds(30)) {
            _ = try await delivery.deliver(RecordBatch.numbered(1...3).all)
            _ = try await delivery.deliver(RecordBatch.numbered(4...6).all)
        }

        let counts = (1...6).map { number in handler.numbers.count { $0.low == number } }
        #expect(counts == [1, 1, 1, 1, 1, 5])
        let failure = try #require(commits.events.flatMap(\.failures).first)
        #expect(commits.events.flatMap(\.failures).count == 1)
        #expect(failure.condition == .retryAttemptsExhausted)
        #expect(failure.invokeCount == 4)
        #expect(failure.records.count == 1)
        #expect(failure.response?.functionError == nil)
        #expect(failure.response?.statusCode == 200)
        #expect(checkpoints.events == [.at(3), .at(5), .at(6)])
    }

    @Test func `after an exception a batch is given up with the checkpoint that passes it`() async throws {
        let handler = answering(.failed(.functionError(type: "Error", message: "no")))
        let delivery = makeDelivery(handler, limits: RetryLimits(retries: 2))

        try await clock.letPass(.seconds(30)) { _ = try await delivery.deliver(batch) }

        #expect(handler.invocations.events.count == 3)
        let last = try #require(commits.events.last)
        #expect(last.checkpoint == .at(5))
        #expect(last.failures.map(\.invokeCount) == [3])
        #expect(last.failures.first?.response?.functionError == "Unhandled")
        #expect(last.failures.first?.requestID == "request-3")
        #expect(last.progress == .set(.none))
    }

    @Test func `attempts are stored before each back-off and taken up by the next worker`() async throws {
        let handler = answering(.failed(.timedOut(after: .seconds(3))))
        let stored = ShardProgress(retries: [
            BatchProgress(first: 1, last: 2, attempts: 2, firstFailure: Timestamp(milliseconds: 7)),
            BatchProgress(first: 3, last: 5, attempts: 0, firstFailure: Timestamp(milliseconds: 7)),
        ])
        let delivery = makeDelivery(handler, limits: RetryLimits(retries: 3), progress: stored)

        try await clock.letPass(.seconds(30)) { _ = try await delivery.deliver(batch) }

        #expect(
            handler.invocations.events.map(\.numbers.count) == [2, 2, 3, 3, 3, 3]
        )
        guard case .set(let first)? = commits.events.first?.progress else { return #expect(Bool(false)) }
        #expect(first.retries.map(\.attempts) == [3, 0])
        #expect(first.retries.map(\.firstFailure.milliseconds) == [7, 7])
        #expect(commits.events.flatMap(\.failures).map(\.invokeCount) == [4, 4])
    }

    @Test func `a split isolates the record that fails, although no retry is allowed`() async throws {
        let handler = ClosureHandler {
            $0.numbers.contains(3) ? .failed(.functionError(type: "Error", message: "3")) : .succeeded
        }
        let delivery = makeDelivery(handler, limits: RetryLimits(retries: 0, bisects: true))

        try await clock.letPass(.seconds(30)) { _ = try await delivery.deliver(batch) }

        #expect(
            handler.invocations.events.map { $0.numbers.map(\.low) } == [
                [1, 2, 3, 4, 5], [1, 2], [3, 4, 5], [3], [4, 5],
            ]
        )
        #expect(commits.events.flatMap(\.failures).map(\.records.first) == [3])
        #expect(checkpoints.events == [.at(2), .at(3), .at(5)])
    }

    @Test func `only the records that are too old leave the batch`() async throws {
        let handler = answering(.succeeded)
        // Each record arrived at the millisecond of its number.
        wallClock.set(Timestamp(milliseconds: 60_002))
        let delivery = makeDelivery(handler, limits: RetryLimits(recordAgeMilliseconds: 60_000))

        _ = try await delivery.deliver(batch)

        #expect(handler.numbers == [2, 3, 4, 5])
        let failure = try #require(commits.events.first?.failures.first)
        #expect(commits.events.first?.checkpoint == .at(1))
        #expect(failure.condition == .recordAgeExceeded)
        #expect(failure.response == nil)
        #expect(failure.invokeCount == 1)
    }

    @Test func `a batch whose event is too large is split until one record is left`() async throws {
        let handler = ClosureHandler {
            $0.numbers.contains(2) ? .failed(.payloadTooLarge(bytes: 9, limit: 6)) : .succeeded
        }
        let delivery = makeDelivery(handler)

        _ = try await delivery.deliver(batch)

        let failures = commits.events.flatMap(\.failures)
        #expect(failures.map(\.condition) == [.maximumPayloadSizeExceeded])
        #expect(failures.map(\.records.first) == [2])
        #expect(Set(handler.numbers.filter { $0 != 2 }) == [1, 3, 4, 5])
        #expect(checkpoints.events.last == .at(5))
    }
}
