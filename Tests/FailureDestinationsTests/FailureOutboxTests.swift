import FailureDestinations
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct FailureOutboxTests {
    private let down = FailureTarget.queue("down")
    private let up = FailureTarget.queue("up")

    @Test func `a failure is delivered as soon as it was committed`() async throws {
        let fixture = OutboxFixture()
        await fixture.run(fixture.outbox()) {
            await fixture.clock.waitForSleepers()

            fixture.commit(["a"], to: up)

            await fixture.taken.wait(for: 1)
        }

        #expect(try await fixture.delivery(of: "a") == .delivered(at: fixture.now, attempts: 1))
        #expect(fixture.taken.events.map(\.target) == [up])
    }

    @Test func `what waited from before is delivered at the start`() async throws {
        let fixture = OutboxFixture()
        fixture.commit((0..<100).map(String.init), to: up)

        await fixture.run(fixture.outbox()) { await fixture.taken.wait(for: 100) }

        #expect(try await fixture.isDelivered((0..<100).map(String.init)))
        #expect(Set(fixture.taken.events.map(\.id)).count == 100)
        #expect(fixture.taken.events.count == 100)
    }

    @Test func `a destination that is down is tried for ever, ever more rarely, and gets it in the end`()
        async throws
    {
        let fixture = OutboxFixture()
        let gate = Gate()
        // Time may pass while the outbox is held up: what comes after the last failure to look at waits for that look.
        fixture.set(down) { _ in
            guard fixture.tries.events.count > 13 else { throw Down() }
            await gate.pass()
        }
        fixture.commit(["a"], to: down)

        try await fixture.run(fixture.outbox()) {
            defer { gate.open() }
            await fixture.passTime(in: .milliseconds(500)) { fixture.tries.events.count >= 13 }
            try await fixture.passTime { try await fixture.delivery(of: "a")?.attempts ?? 0 >= 13 }
            guard case .waiting(13, let next, let error) = try await fixture.delivery(of: "a") else {
                Issue.record("the failure does not wait")
                return
            }
            #expect(error == "down for maintenance")
            #expect(next > fixture.tries.events[12].time)
            gate.open()
            try await fixture.passTime { try await fixture.isDelivered(["a"]) }
        }

        let times = fixture.tries.events.map(\.time)
        let gaps = zip(times.dropFirst(), times).map { $0.millisecondsSince($1) }
        let expected: [Int64] = (0..<10).map { 500 << $0 } + Array(repeating: 300_000, count: 3)
        #expect(gaps.count == expected.count)
        for (gap, delay) in zip(gaps, expected) { #expect(gap >= delay) }
        guard case .delivered(_, 14) = try await fixture.delivery(of: "a") else {
            Issue.record("the failure was not delivered with its 14th try")
            return
        }
    }

    @Test func `a destination that is down with many failures is tried with one, and holds up no other`()
        async throws
    {
        let fixture = OutboxFixture()
        fixture.set(down) { _ in throw Down() }
        let (waiting, others) = ((0..<200).map { "down-\($0)" }, (0..<200).map { "up-\($0)" })
        fixture.commit(waiting, to: down)
        fixture.commit(others, to: up)

        try await fixture.run(fixture.outbox()) {
            await fixture.taken.wait(for: 200)
            #expect(fixture.tries.events.count { $0.target == down } <= 4)
            await fixture.passTime { fixture.now.milliseconds >= 1_000_000 + 3_600_000 }
            // An hour of a try each five minutes, not of 200.
            #expect(fixture.tries.events.count { $0.target == down } <= 30)

            fixture.set(down, nil)
            try await fixture.passTime { try await fixture.isDelivered(waiting) }
        }

        #expect(Set(fixture.taken.events.map { [$0.id, $0.target.text] }).count == 400)
        #expect(fixture.taken.events.allSatisfy { $0.target == ($0.id.hasPrefix("up") ? up : down) })
    }

    @Test func `slow destinations keep their places and leave the others theirs`() async throws {
        let fixture = OutboxFixture()
        let gate = Gate()
        for index in 0..<8 {
            let slow = FailureTarget.queue("slow-\(index)")
            fixture.set(slow) { _ in await gate.pass() }
            fixture.commit((0..<5).map { "slow-\(index)-\($0)" }, to: slow)
        }

        await fixture.run(fixture.outbox()) {
            await fixture.tries.wait(for: 26)
            fixture.commit((0..<20).map { "up-\($0)" }, to: up)

            await fixture.taken.wait(for: 20)

            #expect(fixture.tries.events.count { $0.target != up } == 26)
            gate.open()
            await fixture.taken.wait(for: 60)
        }
    }

    @Test func `a delivery that takes too long has failed`() async throws {
        let fixture = OutboxFixture()
        let gate = Gate()
        fixture.set(down) { _ in
            await gate.pass()
            try Task.checkCancellation()
        }
        fixture.commit(["a"], to: down)

        try await fixture.run(fixture.outbox { $0.deliveryTime = .seconds(60) }) {
            await fixture.tries.wait(for: 1)
            try await fixture.passTime { try await fixture.delivery(of: "a")?.attempts == 1 }

            // The next try may have begun already, and holds up the drain.
            defer { gate.open() }
            guard case .waiting(1, _, let error) = try await fixture.delivery(of: "a") else {
                Issue.record("the failure does not wait")
                return
            }
            #expect(error == "no end within 60 s")
        }
    }

    @Test func `draining waits for what is in flight and begins nothing new`() async throws {
        let fixture = OutboxFixture()
        let gate = Gate()
        fixture.set(up) { _ in await gate.pass() }
        fixture.commit((0..<6).map(String.init), to: up)
        let outbox = fixture.outbox()
        async let running: Void = outbox.run(until: fixture.drain)
        await fixture.tries.wait(for: 4)

        fixture.drain.request()
        gate.open()
        await running

        #expect(try await fixture.isDelivered((0..<4).map(String.init)))
        #expect(fixture.tries.events.count == 4)
    }

    @Test
    func `what is in flight longer than draining may take is abandoned and delivered after the next start`()
        async throws
    {
        let fixture = OutboxFixture()
        fixture.set(up) { _ in
            await Gate().pass()
            try Task.checkCancellation()
        }
        fixture.commit(["a"], to: up)
        let ended = Recorder<Void>()
        let outbox = fixture.outbox()
        let running = Task {
            await outbox.run(until: fixture.drain)
            ended.append(())
        }
        await fixture.tries.wait(for: 1)

        fixture.drain.request()
        while ended.events.isEmpty, !Task.isCancelled {
            fixture.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        await running.value

        #expect(try await fixture.delivery(of: "a")?.attempts == 0)
        fixture.set(up, nil)
        let next = DrainSignal()
        async let again: Void = fixture.outbox().run(until: next)
        await fixture.taken.wait(for: 1)
        next.request()
        await again
        #expect(try await fixture.isDelivered(["a"]))
    }

    @Test func `a store that cannot note a delivery makes no second one`() async throws {
        let fixture = OutboxFixture()
        let store = FaultyFailureStore(fixture.memory, failingCalls: 5)
        fixture.commit(["a"], to: up)

        try await fixture.run(fixture.outbox(on: store)) {
            try await fixture.passTime { try await fixture.isDelivered(["a"]) }
        }

        #expect(fixture.tries.events.count == 1)
    }

    @Test func `failures go when they were delivered long ago; those without destination later`() async throws
    {
        let fixture = OutboxFixture()
        fixture.memory.add([.sample("kept", to: nil, time: fixture.now)])
        fixture.commit(["delivered"], to: up)
        fixture.set(down) { _ in throw Down() }
        fixture.commit(["waiting"], to: down)

        try await fixture.run(fixture.outbox()) {
            await fixture.taken.wait(for: 1)
            try await fixture.passTime(in: .seconds(21_600)) {
                try await fixture.delivery(of: "delivered") == nil
            }
            #expect(fixture.now.milliseconds >= 1_000_000 + 7 * 86_400_000)
            let isKept = try await fixture.delivery(of: "kept") != nil
            #expect(isKept || fixture.now.milliseconds >= 1_000_000 + 30 * 86_400_000)
            try await fixture.passTime(in: .seconds(21_600)) { try await fixture.delivery(of: "kept") == nil }
            #expect(fixture.now.milliseconds >= 1_000_000 + 30 * 86_400_000)
        }

        #expect(try await fixture.delivery(of: "waiting") != nil)
    }

    @Test func `whatever destinations do, each failure gets to its own and none is lost`() async throws {
        let random = Mutex(SeededRandom())
        print("seed \(random.withLock(\.seed))")
        let fixture = OutboxFixture()
        let targets = (0..<12).map { FailureTarget.queue("queue-\($0)") }
        for target in targets {
            fixture.set(target) { _ in
                switch random.withLock({ Int.random(in: 0..<4, using: &$0) }) {
                case 0: throw Down()
                case 1: try await fixture.clock.sleep(for: .seconds(30))
                default: await Task.yield()
                }
            }
        }
        let failures = (0..<300).map { id in
            (id: "\(id)", target: random.withLock { targets.randomElement(using: &$0) } ?? targets[0])
        }

        try await fixture.run(fixture.outbox()) {
            for (id, target) in failures {
                fixture.commit([id], to: target)
                await Task.yield()
            }
            try await fixture.passTime { try await fixture.isDelivered(failures.map(\.id)) }
        }

        let taken = fixture.taken.events
        for (id, target) in failures { #expect(taken.filter { $0.id == id }.map(\.target) == [target]) }
        #expect(fixture.delivered.events.sorted() == failures.map(\.id).sorted())
    }
}

extension StoredFailure.Delivery {
    fileprivate var attempts: Int? {
        switch self {
        case .none: nil
        case .waiting(let attempts, _, _), .delivered(_, let attempts): attempts
        }
    }
}

/// Fails the first calls that note a delivery.
private final class FaultyFailureStore: FailureStore {
    private let store: any FailureStore
    private let failingCalls: Mutex<Int>

    init(_ store: any FailureStore, failingCalls: Int) {
        self.store = store
        self.failingCalls = Mutex(failingCalls)
    }

    func noteDelivered(_ id: String, at now: Timestamp) async throws {
        let fails = failingCalls.withLock { calls in
            calls -= 1
            return calls >= 0
        }
        if fails { throw Down() }
        try await store.noteDelivered(id, at: now)
    }

    func due(at now: Timestamp, limit: Int, except closed: Set<FailureTarget>) async throws -> [StoredFailure]
    {
        try await store.due(at: now, limit: limit, except: closed)
    }

    func notePostponed(_ id: String, until next: Timestamp, error: String) async throws {
        try await store.notePostponed(id, until: next, error: error)
    }

    func nextDue(except closed: Set<FailureTarget>) async throws -> Timestamp? {
        try await store.nextDue(except: closed)
    }

    func failures(of mapping: MappingID?, limit: Int) async throws -> [StoredFailure] {
        try await store.failures(of: mapping, limit: limit)
    }

    func failure(_ id: String) async throws -> StoredFailure? { try await store.failure(id) }

    func prune(deliveredBefore: Timestamp, undirectedBefore: Timestamp) async throws {
        try await store.prune(deliveredBefore: deliveredBefore, undirectedBefore: undirectedBefore)
    }
}
