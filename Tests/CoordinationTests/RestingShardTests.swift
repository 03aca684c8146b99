import Coordination
import Delivery
import StreamCore
import TestSupport
import Testing

/// Shards without records, which have a lease and no task.
@Suite(.timeLimit(.minutes(5)))
struct RestingShardTests {
    /// Longer than a shard waits for records before it rests.
    private static let idleTime = Duration.seconds(6)

    @Test func `a shard that rests goes on with its next record, at once`() async throws {
        try await withFleet(shards: 3, shardsRest: true) { fleet in
            let worker = fleet.start("a")
            await fleet.settle()
            try fleet.append(2, to: 1)
            await worker.handler.waitForRecords(2)
            // Two rest, the third expects more.
            await fleet.settle()
            await fleet.pass(Self.idleTime)

            let numbers = try (0..<3).flatMap { try fleet.append(1, to: $0) }

            // The clock stands still.
            await worker.handler.waitForRecords(5)
            #expect(worker.handler.numbers.suffix(3).sorted() == numbers)
            #expect(worker.report(of: 1)?.records == 3)
        }
    }

    @Test func `a shard rests after what it was given is done, and shows that it waits`() async throws {
        try await withFleet(shardsRest: true) { fleet in
            let worker = fleet.start("a")
            let last = try #require(try fleet.append(3, to: 0).last)
            await worker.handler.waitForRecords(3)
            await fleet.pass(Self.idleTime)

            #expect(try await fleet.checkpoint(of: 0) == .at(last))
            #expect(worker.report(of: 0)?.activity == .waitingForRecords)
        }
    }

    @Test func `a shard with lanes rests when all of them are idle, and goes on with its next record`()
        async throws
    {
        try await withFleet(shardsRest: true) { fleet in
            let worker = fleet.start("a", lanes: 3)
            await fleet.settle()
            let first = try fleet.append(5, to: 0)
            await worker.handler.waitForRecords(5)
            await fleet.pass(Self.idleTime)
            #expect(try await fleet.checkpoint(of: 0) == .at(first[4]))

            let next = try fleet.append(5, to: 0)

            // The clock stands still.
            await worker.handler.waitForRecords(10)
            #expect(worker.handler.numbers.sorted() == first + next)
        }
    }

    @Test func `a shard rests between two tumbling windows, and not while one is open`() async throws {
        try await withFleet(shardsRest: true) { fleet in
            let handler = ClosureHandler { _ in .answered(Array(#"{"state":{}}"#.utf8)) }
            let worker = fleet.start("a", windowSeconds: 60, handler: handler)
            await fleet.settle()
            try fleet.append(2, to: 0)
            await worker.handler.waitForRecords(2)
            await fleet.pass(.seconds(30))

            await fleet.pass(.seconds(120))
            let number = try fleet.append(1, to: 0)[0]

            await worker.handler.waitForRecords(3)
            #expect(worker.handler.numbers.last == number)
            #expect(handler.invocations.events.map { $0.window?.isFinal } == [false, true, false])
        }
    }

    @Test func `the lease of a shard that rests is renewed`() async throws {
        try await withFleet(shardsRest: true) { fleet in
            let worker = fleet.start("a")
            await fleet.pass(.seconds(40))

            #expect(worker.acquisitions(of: 0) == 1)
            let row = try #require(try await fleet.row(0))
            #expect(row.counter > 10)
        }
    }

    @Test func `a shard that rests ends when it is closed, and its children follow`() async throws {
        try await withFleet(shardsRest: true) { fleet in
            let worker = fleet.start("a")
            await fleet.pass(Self.idleTime)

            try fleet.log.split(.first)
            let numbers = try (1...2).flatMap { try fleet.append(1, to: $0) }

            await worker.handler.waitForRecords(2)
            #expect(try await fleet.checkpoint(of: 0) == .shardEnd)
            #expect(worker.handler.numbers.sorted() == numbers)
        }
    }

    @Test func `a worker that drains gives up the shards that rest`() async throws {
        try await withFleet(shards: 3, shardsRest: true) { fleet in
            let worker = fleet.start("a")
            await fleet.pass(Self.idleTime)

            worker.drain.request()
            try await worker.ended()

            #expect(try await fleet.store.leases(of: .flights).allSatisfy { $0.owner == nil })
        }
    }

    @Test func `a shard that rests is handed over when another worker asks`() async throws {
        try await withFleet(shards: 2, shardsRest: true) { fleet in
            let first = fleet.start("a")
            await fleet.pass(Self.idleTime)
            let second = fleet.start("b")

            let time = try await fleet.passUntil {
                try await fleet.isAtRest(["a": 1, "b": 1]) && second.store.acquisitions == 1
            }

            #expect(time != nil)
            try fleet.append(1, to: 0)
            try fleet.append(1, to: 1)
            await first.handler.waitForRecords(1)
            await second.handler.waitForRecords(1)
        }
    }

    @Test func `a shard that rests and was lost is left to its new owner`() async throws {
        try await withFleet(shardsRest: true) { fleet in
            let worker = fleet.start("a")
            await fleet.pass(Self.idleTime)
            let row = try #require(try await fleet.row(0))
            _ = try #require(try await fleet.store.acquire(row.key, seen: row.counter, for: "other"))

            try fleet.append(1, to: 0)
            await fleet.pass(.seconds(8))

            #expect(try await fleet.owner(of: 0) == "other")
            #expect(try await fleet.checkpoint(of: 0) == .start(.trimHorizon))
            #expect(worker.acquisitions(of: 0) == 1)
        }
    }

    @Test func `records that pass no filter are done before the shard rests`() async throws {
        try await withFleet(shardsRest: true) { fleet in
            let worker = fleet.start("a", filters: [#"{"partitionKey":["another"]}"#])
            let last = try #require(try fleet.append(3, to: 0).last)
            await fleet.pass(Self.idleTime)

            #expect(try await fleet.checkpoint(of: 0) == .at(last))
            #expect(worker.handler.numbers.isEmpty)
        }
    }
}
