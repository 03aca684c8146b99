import Coordination
import StreamCore
import TestSupport
import Testing

/// What becomes of the rows of finished shards, and of hash keys that none takes.
@Suite(.timeLimit(.minutes(5)))
struct LeaseTidyingTests {
    @Test func `the row of a finished shard goes once its children are begun, and does not come back`()
        async throws
    {
        try await withFleet { fleet in
            let worker = fleet.start("a")
            var numbers = try fleet.append(3, to: 0)
            try fleet.log.split(.first)
            await worker.handler.waitForRecords(3)
            await fleet.pass(.seconds(125))
            #expect(
                try await fleet.checkpoint(of: 0) == .shardEnd,
                "its children wait for their first records"
            )

            numbers += try (1...2).flatMap { try fleet.append(2, to: $0) }
            await worker.handler.waitForRecords(7)
            await fleet.pass(.seconds(425))

            #expect(try await fleet.row(0) == nil)
            #expect(worker.handler.numbers.sorted() == numbers)
        }
    }

    @Test func `a worker whose list of shards is old does not add a finished shard again`() async throws {
        try await withFleet { fleet in
            let first = fleet.start("a")
            // Which of two that start together has the shard is open.
            await fleet.settle()
            _ = fleet.start("b")
            await fleet.pass(.seconds(1))
            try fleet.append(2, to: 0)
            try fleet.log.split(.first)
            for child in 1...2 { try fleet.append(2, to: child) }
            await first.handler.waitForRecords(2)
            _ = try await fleet.passUntil {
                let rows = try await fleet.store.leases(of: .flights)
                return rows.count == 3 && rows.allSatisfy { $0.checkpoint > .start(.trimHorizon) }
            }
            // At once, while the other may still believe it open.
            let row = try #require(try await fleet.row(0))
            #expect(try await fleet.store.remove(row.key, seen: row.counter))

            await fleet.pass(.seconds(70))

            #expect(try await fleet.row(0) == nil)
        }
    }

    @Test func `hash keys that nobody takes are in sight after the third look`() async throws {
        try await withFleet(shards: 2) { fleet in
            let worker = fleet.start("a")
            await fleet.settle()
            let range = try fleet.log.close(.first)

            await fleet.pass(.seconds(100))
            #expect(worker.views.holes(of: .flights).isEmpty)
            await fleet.pass(.seconds(140))

            #expect(worker.views.holes(of: .flights) == [range])
        }
    }
}
