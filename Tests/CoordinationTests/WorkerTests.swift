import Coordination
import Delivery
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct WorkerTests {
    @Test func `one worker takes every shard and processes every record in order`() async throws {
        try await withFleet(shards: 4) { fleet in
            let numbers = try (0..<4).map { try fleet.append(250, to: $0) }

            let worker = fleet.start("a")

            await worker.handler.waitForRecords(1000)
            await fleet.settle()
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
            await fleet.settle()

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
            await fleet.settle()
            await first.kill()
            let later = try fleet.append(2, to: 0)

            let second = fleet.start("b")
            await fleet.pass(.seconds(9.5))
            #expect(try await fleet.owner(of: 0) == "a")
            #expect(second.handler.numbers.isEmpty)
            fleet.clock.advance(by: .seconds(1))

            await second.handler.waitForRecords(2)
            await fleet.settle()
            #expect(try await fleet.owner(of: 0) == "b")
            #expect(first.handler.numbers == numbers)
            #expect(second.handler.numbers == later)
        }
    }

    @Test func `a worker that lives keeps its share`() async throws {
        try await withFleet(shards: 1) { fleet in
            let first = fleet.start("a")
            await fleet.settle()
            let second = fleet.start("b")

            await fleet.pass(.seconds(60))

            let owner = try await fleet.owner(of: 0)
            #expect(owner == "a")
            #expect(first.acquisitions(of: 0) == 1)
            #expect(second.acquisitions(of: 0) == 0)
        }
    }

    @Test func `leases of a worker that is known to have ended are taken at once`() async throws {
        try await withFleet(shards: 2) { fleet in
            let first = fleet.start("a")
            await fleet.settle()
            await first.kill()
            try fleet.append(1, to: 0)

            let second = fleet.start("b")
            await fleet.settle()
            second.store.noteEnd(of: "a")
            second.wake.wake()

            // The clock stands still.
            await second.handler.waitForRecords(1)
            await fleet.settle()
            #expect(try await fleet.owner(of: 1) == "b")
        }
    }

    @Test func `a stream that appears later is processed as soon as the worker is woken`() async throws {
        try await withFleet(shards: 2, streamExists: false) { fleet in
            let worker = fleet.start("a")
            await fleet.settle()

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
            await fleet.settle()
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
            let worker = fleet.start(
                "a",
                before: { store in
                    store.fail { call in
                        guard case .acquire = call, isFailing.withLock(\.self) else { return false }
                        return store.acquisitions >= 2
                    }
                }
            )
            await fleet.settle()
            await fleet.pass(.seconds(7))
            #expect(worker.store.acquisitions == 2)

            isFailing.withLock { $0 = false }
            await fleet.pass(.seconds(4))

            await worker.handler.waitForRecords(4)
            await fleet.settle()
            #expect(worker.handler.numbers.count == 4)
            #expect(worker.store.acquisitions == 4)
        }
    }

    @Test func `a log that cannot be read is tried again, and the reason is in sight`() async throws {
        try await withFleet { fleet in
            fleet.log.failReads(with: ReadFault())
            let numbers = try fleet.append(3, to: 0)
            let worker = fleet.start("a")
            await fleet.settle()
            #expect(worker.report(of: 0)?.activity == .readFailing(error: "segment 7 cannot be read"))

            fleet.log.failReads(with: nil)
            await fleet.pass(.seconds(1))

            await worker.handler.waitForRecords(3)
            #expect(worker.handler.numbers == numbers)
            #expect(worker.acquisitions(of: 0) == 1)
        }
    }

    private struct ReadFault: Error, CustomStringConvertible {
        var description: String { "segment 7 cannot be read" }
    }
}
