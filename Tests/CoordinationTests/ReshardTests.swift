import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ReshardTests {
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
            await fleet.pass(.seconds(15))
            #expect(worker.handler.numbers == parents)

            gate.open()

            // The clock stands still: the end of a shard makes a round at once.
            await worker.handler.waitForRecords(7)
            await fleet.settle()
            #expect(Set(worker.handler.numbers.dropFirst(3)) == Set(children))
            #expect(try await fleet.checkpoint(of: 0) == .shardEnd)
            #expect(try await fleet.owner(of: 0) == nil)
        }
    }

    @Test func `a split of a shard in work is followed at once`() async throws {
        try await withFleet { fleet in
            let worker = fleet.start("a", from: .latest)
            await fleet.settle()

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
            await fleet.pass(.seconds(15))
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
            await fleet.settle()
            let second = fleet.start("b")
            await fleet.settle()

            let numbers = try fleet.append(3, to: 0)
            try fleet.log.split(ShardID(number: 0))
            await first.handler.waitForRecords(3)
            // One of the children is handed over meanwhile.
            await fleet.pass(.seconds(20))

            #expect(try await fleet.checkpoint(of: 0) == .shardEnd)
            #expect(first.handler.numbers + second.handler.numbers == numbers)
        }
    }

    @Test func `a stream that was deleted is taken up again when it is made anew`() async throws {
        try await withFleet { fleet in
            let worker = fleet.start("a")
            try fleet.append(3, to: 0)
            await worker.handler.waitForRecords(3)
            await fleet.settle()

            fleet.log.delete()
            // The reader of the old stream fails, and the shard is given up.
            await fleet.pass(.seconds(70))
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
            await fleet.settle()
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
}
