import Coordination
import Delivery
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct WorkerTests {
    // MARK: Taking leases

    @Test func `one worker takes every shard and processes every record in order`() async throws {
        try await withFleet(shards: 4) { fleet in
            let numbers = try (0..<4).map { try fleet.append(250, to: $0) }

            let worker = fleet.start("a")

            await worker.handler.waitForRecords(1000)
            await fleet.settle(consumers: 4)
            for shard in 0..<4 {
                let invocations = worker.handler.invocations.events.filter {
                    $0.shard == ShardID(number: shard)
                }
                #expect(invocations.flatMap(\.numbers) == numbers[shard])
                #expect(invocations.map(\.numbers.count) == [100, 100, 50])
                #expect(try await fleet.owner(of: shard) == "a")
                #expect(try await fleet.checkpoint(of: shard) == numbers[shard].last.map { .at($0) })
                #expect(worker.report(of: shard)?.records == 250)
                #expect(worker.report(of: shard)?.activity == .waitingForRecords)
                #expect(worker.report(of: shard)?.oldestPending == nil)
            }
        }
    }

    @Test func `a mapping at LATEST skips what is there and takes what comes`() async throws {
        try await withFleet { fleet in
            try fleet.append(3, to: 0)
            let worker = fleet.start("a", from: .latest)
            await fleet.settle(consumers: 1)

            let later = try fleet.append(2, to: 0)

            await worker.handler.waitForRecords(2)
            #expect(worker.handler.numbers == later)
        }
    }

    @Test func `a dead worker's shard is taken over after the failover time and not before`() async throws {
        try await withFleet { fleet in
            let numbers = try fleet.append(3, to: 0)
            let first = fleet.start("a")
            await first.handler.waitForRecords(3)
            await fleet.settle(consumers: 1)
            await first.kill()
            let later = try fleet.append(2, to: 0)

            let second = fleet.start("b")
            await fleet.pass(.seconds(9.5), consumers: 0)
            #expect(try await fleet.owner(of: 0) == "a")
            #expect(second.handler.numbers.isEmpty)
            fleet.clock.advance(by: .seconds(1))

            await second.handler.waitForRecords(2)
            await fleet.settle(consumers: 1)
            #expect(try await fleet.owner(of: 0) == "b")
            #expect(first.handler.numbers == numbers)
            #expect(second.handler.numbers == later)
        }
    }

    @Test func `a worker that lives keeps its shards`() async throws {
        try await withFleet(shards: 2) { fleet in
            let first = fleet.start("a")
            await fleet.settle(consumers: 2)
            let second = fleet.start("b")

            await fleet.pass(.seconds(60), workers: 2, consumers: 2)

            let owners = (try await fleet.owner(of: 0), try await fleet.owner(of: 1))
            #expect(owners == ("a", "a"))
            #expect(first.acquisitions(of: 0) == 1)
            #expect(second.acquisitions(of: 0) == 0)
        }
    }

    @Test func `leases of a worker that is known to have ended are taken at once`() async throws {
        try await withFleet(shards: 2) { fleet in
            let first = fleet.start("a")
            await fleet.settle(consumers: 2)
            await first.kill()
            try fleet.append(1, to: 0)

            let second = fleet.start("b")
            await fleet.settle(consumers: 0)
            second.store.noteEnd(of: "a")
            second.wake.wake()

            // The clock stands still.
            await second.handler.waitForRecords(1)
            await fleet.settle(consumers: 2)
            #expect(try await fleet.owner(of: 1) == "b")
        }
    }

    @Test func `a stream that appears later is processed as soon as the worker is woken`() async throws {
        try await withFleet(shards: 2, streamExists: false) { fleet in
            let worker = fleet.start("a")
            await fleet.settle(consumers: 0)

            fleet.log.create()
            try fleet.append(3, to: 1)
            worker.wake.wake()

            // The clock stands still.
            await worker.handler.waitForRecords(3)
        }
    }

    @Test func `a stream that appears later is found by the next round without being woken`() async throws {
        try await withFleet(streamExists: false) { fleet in
            let worker = fleet.start("a")
            await fleet.settle(consumers: 0)
            fleet.log.create()
            try fleet.append(3, to: 0)

            fleet.clock.advance(by: .seconds(3.5))

            await worker.handler.waitForRecords(3)
        }
    }

    @Test func `leases acquired before a round failed stay and work on`() async throws {
        try await withFleet(shards: 4) { fleet in
            for shard in 0..<4 { try fleet.append(1, to: shard) }
            let isFailing = Mutex(true)
            let worker = fleet.start("a", handler: ClosureHandler())
            worker.store.fail { call in call == .acquire(.shard(2)) && isFailing.withLock(\.self) }
            // Whatever part of the first round had passed before that line, the next ones meet the fault.
            await fleet.settle(consumers: 2)
            await fleet.pass(.seconds(7), consumers: 2)
            #expect(worker.acquisitions(of: 0) == 1)
            #expect(worker.acquisitions(of: 1) == 1)

            isFailing.withLock { $0 = false }
            await fleet.pass(.seconds(4), consumers: 2)

            await worker.handler.waitForRecords(4)
            await fleet.settle(consumers: 4)
            #expect(worker.handler.numbers.count == 4)
            #expect(worker.acquisitions(of: 0) == 1)
        }
    }

    // MARK: Losing leases

    @Test func `a lost lease cancels processing at the next renewal, and nothing is checkpointed`()
        async throws
    {
        try await withFleet { fleet in
            try fleet.append(3, to: 0)
            let cancellations = Recorder<Bool>()
            let handler = ClosureHandler { _ in
                await Gate().pass()
                cancellations.append(Task.isCancelled)
                return .succeeded
            }
            let worker = fleet.start("a", handler: handler)
            await handler.invocations.wait(for: 1)
            let row = try #require(try await fleet.store.leases(of: .flights).first)
            #expect(try await fleet.store.acquire(row.key, seen: row.counter, for: "thief") != nil)

            await fleet.settle(consumers: 0)
            fleet.clock.advance(by: .seconds(3.5))

            await cancellations.wait(for: 1)
            #expect(cancellations.events == [true])
            await fleet.pass(.seconds(4), consumers: 0)
            #expect(try await fleet.checkpoint(of: 0) == .start(.trimHorizon))
            #expect(try await fleet.owner(of: 0) == "thief")
            #expect(worker.handler.invocations.events.count == 1)
        }
    }

    @Test func `a worker that cannot reach the store stops its shards before others may take them`()
        async throws
    {
        try await withFleet { fleet in
            try fleet.append(3, to: 0)
            let stops = Recorder<TestClock.Instant>()
            let (clock, handler) = (
                fleet.clock,
                ClosureHandler { [clock = fleet.clock] _ in
                    await Gate().pass()
                    stops.append(clock.now)
                    return .succeeded
                }
            )
            let worker = fleet.start("a", handler: handler)
            await handler.invocations.wait(for: 1)
            await fleet.pass(.seconds(3.5), consumers: 0)
            let lastRenewal = clock.now
            worker.store.fail { _ in true }

            await fleet.pass(.seconds(10), consumers: 0)

            await stops.wait(for: 1)
            let trusted = lastRenewal.duration(to: stops.events[0])
            #expect(trusted >= .seconds(7) && trusted < .seconds(9.5))
        }
    }

    @Test func `a shard lost for want of renewal is gained anew, whatever its earlier processing does`()
        async throws
    {
        try await withFleet { fleet in
            let numbers = try fleet.append(3, to: 0)
            // The first invocation does not heed its cancellation.
            let (first, second) = (Gate(), Gate())
            let calls = Mutex(0)
            let handler = ClosureHandler { _ in
                let call = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if call == 1 { await Task { await first.pass() }.value } else { await second.pass() }
                return .succeeded
            }
            let worker = fleet.start("a", handler: handler)
            await handler.invocations.wait(for: 1)
            worker.store.fail { _ in true }
            await fleet.pass(.seconds(10), consumers: 0)
            worker.store.fail { _ in false }
            await fleet.pass(.seconds(4), consumers: 0)
            await handler.invocations.wait(for: 2)

            first.open()
            await fleet.pass(.seconds(20), consumers: 0)
            second.open()
            await fleet.settle(consumers: 1)

            #expect(worker.acquisitions(of: 0) == 2)
            #expect(handler.invocations.events.map(\.numbers) == [numbers, numbers])
            #expect(try await fleet.checkpoint(of: 0) == .at(numbers[2]))
        }
    }

    @Test func `a checkpoint that the store did not take is written again, and its batch is not repeated`()
        async throws
    {
        try await withFleet { fleet in
            let numbers = try fleet.append(3, to: 0)
            let isFailing = Mutex(true)
            let gate = Gate()
            let handler = ClosureHandler { _ in
                await gate.pass()
                return .succeeded
            }
            let worker = fleet.start("a", handler: handler)
            worker.store.fail { call in
                if case .commit = call { isFailing.withLock(\.self) } else { false }
            }
            gate.open()
            await handler.invocations.wait(for: 1)
            await fleet.settle(consumers: 1)
            isFailing.withLock { $0 = false }

            await fleet.pass(.seconds(2), consumers: 1)

            #expect(handler.invocations.events.map(\.numbers) == [numbers])
            #expect(worker.acquisitions(of: 0) == 1)
            #expect(try await fleet.checkpoint(of: 0) == .at(numbers[2]))
        }
    }

    // MARK: Draining

    @Test func `draining finishes the batch in flight, checkpoints and releases`() async throws {
        try await withFleet(shards: 2) { fleet in
            let numbers = try fleet.append(5, to: 0)
            let gate = Gate()
            let handler = ClosureHandler { _ in
                await gate.pass()
                return .succeeded
            }
            let worker = fleet.start("a", batchSize: 3, handler: handler)
            await handler.invocations.wait(for: 1)

            worker.drain.request()
            gate.open()
            try await worker.ended()

            #expect(handler.numbers == Array(numbers[..<3]))
            #expect(try await fleet.checkpoint(of: 0) == .at(numbers[2]))
            #expect(try await fleet.owner(of: 0) == nil)
            #expect(try await fleet.owner(of: 1) == nil)
        }
    }

    @Test func `leases stay alive while the last batch takes its time`() async throws {
        try await withFleet { fleet in
            let numbers = try fleet.append(3, to: 0)
            let gate = Gate()
            let first = fleet.start(
                "a",
                handler: ClosureHandler { _ in
                    await gate.pass()
                    return .succeeded
                }
            )
            await first.handler.invocations.wait(for: 1)
            let second = fleet.start("b")
            first.drain.request()

            await fleet.pass(.seconds(60), workers: 2, consumers: 0)
            #expect(try await fleet.owner(of: 0) == "a")
            gate.open()
            try await first.ended()

            #expect(try await fleet.checkpoint(of: 0) == .at(numbers[2]))
            #expect(second.handler.numbers.isEmpty)
        }
    }

    @Test func `what one worker released another goes on with`() async throws {
        try await withFleet { fleet in
            let numbers = try fleet.append(3, to: 0)
            let first = fleet.start("a")
            await first.handler.waitForRecords(3)
            await fleet.settle(consumers: 1)
            first.drain.request()
            try await first.ended()
            let later = try fleet.append(2, to: 0)

            let second = fleet.start("b")

            // The clock stands still: a released lease is free.
            await second.handler.waitForRecords(2)
            #expect(first.handler.numbers + second.handler.numbers == numbers + later)
        }
    }

    @Test func `a worker that was asked to drain before it began does nothing`() async throws {
        try await withFleet { fleet in
            try fleet.append(3, to: 0)
            let worker = fleet.start("a")

            worker.drain.request()
            try await worker.ended()

            #expect(try await fleet.owner(of: 0) == nil)
        }
    }

    // MARK: Resharding

    @Test func `the children of a split wait until their parent is processed to its end`() async throws {
        try await withFleet { fleet in
            let parents = try fleet.append(3, to: 0)
            try fleet.log.split(ShardID(number: 0))
            let children = try (1...2).flatMap { try fleet.append(2, to: $0) }
            let gate = Gate()
            let worker = fleet.start(
                "a",
                handler: ClosureHandler { _ in
                    await gate.pass()
                    return .succeeded
                }
            )
            await worker.handler.invocations.wait(for: 1)
            await fleet.pass(.seconds(15), consumers: 0)
            #expect(worker.handler.numbers == parents)

            gate.open()

            // The clock stands still: the end of a shard makes a round at once.
            await worker.handler.waitForRecords(7)
            await fleet.settle(consumers: 2)
            #expect(Set(worker.handler.numbers.dropFirst(3)) == Set(children))
            #expect(try await fleet.checkpoint(of: 0) == .shardEnd)
            #expect(try await fleet.owner(of: 0) == nil)
        }
    }

    @Test func `a split of a shard in work is followed at once`() async throws {
        try await withFleet { fleet in
            let worker = fleet.start("a", from: .latest)
            await fleet.settle(consumers: 1)

            try fleet.append(3, to: 0)
            try fleet.log.split(ShardID(number: 0))
            for shard in 1...2 { try fleet.append(2, to: shard) }

            await worker.handler.waitForRecords(7)
        }
    }

    @Test func `the child of a merge waits for both parents`() async throws {
        try await withFleet(shards: 2) { fleet in
            let gate = Gate()
            let worker = fleet.start(
                "a",
                handler: ClosureHandler { invocation in
                    if invocation.shard == ShardID(number: 1) { await gate.pass() }
                    return .succeeded
                }
            )
            try fleet.append(1, to: 0)
            try fleet.append(1, to: 1)
            _ = try fleet.log.merge(ShardID(number: 0), ShardID(number: 1))
            let child = try fleet.append(1, to: 2)
            await worker.handler.waitForRecords(2)
            await fleet.pass(.seconds(15), consumers: 0)
            #expect(worker.handler.numbers.count == 2)

            gate.open()

            await worker.handler.waitForRecords(3)
            #expect(worker.handler.numbers.suffix(1) == child[...])
        }
    }

    @Test func `the finished row of a shard stays although another worker still believes it open`()
        async throws
    {
        try await withFleet { fleet in
            let first = fleet.start("a")
            await fleet.settle(consumers: 1)
            let second = fleet.start("b")
            await fleet.settle(workers: 2, consumers: 1)

            let numbers = try fleet.append(3, to: 0)
            try fleet.log.split(ShardID(number: 0))
            await first.handler.waitForRecords(3)
            await fleet.pass(.seconds(20), workers: 2, consumers: 2)

            #expect(try await fleet.checkpoint(of: 0) == .shardEnd)
            #expect(first.handler.numbers + second.handler.numbers == numbers)
        }
    }

    @Test func `a stream that was deleted is taken up again when it is made anew`() async throws {
        try await withFleet { fleet in
            let worker = fleet.start("a")
            try fleet.append(3, to: 0)
            await worker.handler.waitForRecords(3)
            await fleet.settle(consumers: 1)

            fleet.log.delete()
            // The reader of the old stream fails, and the shard is given up.
            await fleet.pass(.seconds(70), consumers: 0)
            fleet.log.create()
            let later = try fleet.append(2, to: 0)
            worker.wake.wake()

            await worker.handler.waitForRecords(5)
            #expect(worker.handler.numbers.suffix(2) == later[...])
        }
    }

    @Test func `a shard that expired before its end was processed does not hold up its children`()
        async throws
    {
        try await withFleet { fleet in
            try fleet.append(3, to: 0)
            let first = fleet.start("a")
            await first.handler.waitForRecords(3)
            await fleet.settle(consumers: 1)
            first.drain.request()
            try await first.ended()
            try fleet.log.split(ShardID(number: 0))
            let children = try (1...2).flatMap { try fleet.append(2, to: $0) }
            fleet.log.expire(ShardID(number: 0))

            let second = fleet.start("b")

            await second.handler.waitForRecords(4)
            #expect(Set(second.handler.numbers) == Set(children))
            #expect(try await fleet.checkpoint(of: 0) == .shardEnd)
        }
    }

    // MARK: Reading

    @Test func `a log that cannot be read is tried again, and the reason is in sight`() async throws {
        try await withFleet { fleet in
            fleet.log.failReads(with: ReadFault())
            let numbers = try fleet.append(3, to: 0)
            let worker = fleet.start("a")
            await fleet.settle(consumers: 1)
            #expect(worker.report(of: 0)?.activity == .readFailing(error: "segment 7 cannot be read"))

            fleet.log.failReads(with: nil)
            await fleet.pass(.seconds(1), consumers: 1)

            await worker.handler.waitForRecords(3)
            #expect(worker.handler.numbers == numbers)
            #expect(worker.acquisitions(of: 0) == 1)
        }
    }

    private struct ReadFault: Error, CustomStringConvertible {
        var description: String { "segment 7 cannot be read" }
    }
}
