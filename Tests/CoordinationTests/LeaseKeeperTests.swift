import Coordination
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LeaseKeeperTests {
    @Test func `a stream that is slow to list delays no renewal`() async throws {
        try await withFleet { fleet in
            let listing = SlowListing(fleet.log)
            let worker = fleet.start("a", listing: listing)
            await fleet.settle()
            listing.gate.close()
            worker.wake.wake()
            let before = try #require(try await fleet.row(0)).counter

            // The look at the leases is held up, the renewals and the watch over them go on.
            await fleet.pass(.seconds(60))

            let row = try #require(try await fleet.row(0))
            #expect(row.owner == "a")
            #expect(row.counter >= before + 15)
            #expect(worker.acquisitions(of: 0) == 1)
            listing.gate.open()
        }
    }

    @Test func `a stream that cannot be listed for now keeps no lease from moving`() async throws {
        try await withFleet(shards: 2) { fleet in
            let listing = SlowListing(fleet.log)
            let first = fleet.start("a")
            _ = try await fleet.passUntil { first.store.acquisitions == 2 }
            let second = fleet.start("b", listing: listing)
            _ = try await fleet.passUntil {
                try await fleet.isAtRest(["a": 1, "b": 1])
            }
            listing.fails.withLock { $0 = true }
            await first.kill()

            let time = try await fleet.passUntil { try await fleet.shares() == ["b": 2] }

            #expect(try #require(time) <= .seconds(14))
            #expect(second.store.acquisitions == 2)
        }
    }

    @Test func `a lease that cannot be renewed is stopped alone`() async throws {
        try await withFleet(shards: 2) { fleet in
            let worker = fleet.start("a", before: { $0.renewsAllBut(.shard(1)) })
            await fleet.settle()

            let time = try await fleet.passUntil { worker.acquisitions(of: 1) >= 2 }

            #expect(try #require(time) >= .seconds(8))
            #expect(worker.acquisitions(of: 0) == 1)
            #expect(try await fleet.owner(of: 0) == "a")
        }
    }

    @Test func `a worker that drains does not wait without end for a store that takes no commit`()
        async throws
    {
        try await withFleet { fleet in
            try fleet.append(3, to: 0)
            let worker = fleet.start(
                "a",
                before: { store in
                    store.fail { if case .commit = $0 { true } else { false } }
                }
            )
            await worker.handler.waitForRecords(3)
            worker.drain.request()
            let isEnded = Mutex(false)
            let ending = Task {
                try await worker.ended()
                isEnded.withLock { $0 = true }
            }

            let time = try await fleet.passUntil { isEnded.withLock(\.self) }

            #expect(try #require(time) <= .seconds(20))
            #expect(try await fleet.owner(of: 0) == nil)
            try await ending.value
        }
    }

    @Test func `how much was delivered of a shard is told with its renewals`() async throws {
        try await withFleet { fleet in
            let worker = fleet.start("a")
            await fleet.settle()
            await fleet.pass(.seconds(4))
            #expect(try await fleet.row(0)?.throughput == nil)

            for _ in 0..<4 {
                try fleet.log.append(key: "k", payload: Array(repeating: 1, count: 8192), to: .first)
            }
            await worker.handler.waitForRecords(4)
            await fleet.pass(.seconds(4))
            let busy = try #require(try await fleet.row(0)?.throughput)
            await fleet.pass(.seconds(100))

            // 32 KB within a renewal period; then nothing, and half of the rest goes with each.
            #expect(busy > 2 && busy < 10)
            #expect(try await fleet.row(0)?.throughput == 0)
        }
    }
}

extension ShardID {
    static let first = ShardID(number: 0)
}

/// A stream whose listing is held up or fails.
private final class SlowListing: LogSource {
    struct Fault: Error {}

    let gate = Gate(isOpen: true)
    let fails = Mutex(false)
    private let log: MemoryLog

    init(_ log: MemoryLog) {
        self.log = log
    }

    func shards() async throws -> [Shard] {
        await gate.pass()
        if fails.withLock(\.self) { throw Fault() }
        return try await log.shards()
    }

    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        try await log.pin(start, in: shard)
    }

    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        try await log.reader(of: shard, from: position)
    }
}
