import Coordination
import StreamCore
import TestSupport
import Testing

struct MappingStragglersTests {
    private let clock = TestClock()
    private let store = MemoryLeaseStore()
    private let mapping = EventSourceMapping(
        id: "00000000-0000-0000-0000-000000000001",
        function: "alerts",
        source: EventSource(stream: "flights", startingPosition: .latest),
        state: .updating,
        lastModified: Timestamp(milliseconds: 20)
    )

    private func lease(_ shard: Int, for worker: WorkerID) async throws -> Lease {
        let shard = Shard(
            id: ShardID(number: shard),
            hashKeyRange: HashKeyRange(start: 0, end: .max),
            startingSequenceNumber: .zero
        )
        let key = LeaseKey(mapping: mapping.id, shard: shard.id)
        try await store.add([NewLease(shard: shard, checkpoint: .start(.latest))], to: mapping.id)
        return try #require(try await store.acquire(key, seen: 0, for: worker))
    }

    private func makeStragglers(
        carriedOut: @escaping @Sendable (MappingID) async throws -> [WorkerID: Timestamp] = { _ in [:] }
    ) -> MappingStragglers {
        MappingStragglers(besides: "host", leases: store, carriedOut: carriedOut, clock: clock)
    }

    @Test func `a worker without leases of the mapping is not waited for, nor is the asking one`()
        async throws
    {
        _ = try await lease(0, for: "host")

        #expect(try await makeStragglers().workers(of: mapping).isEmpty)
    }

    @Test func `a worker is waited for until it has carried the change out, or holds nothing`() async throws {
        let lease = try await lease(0, for: "worker-a")
        let (before, after) = (Timestamp(milliseconds: 19), Timestamp(milliseconds: 20))

        #expect(try await makeStragglers().workers(of: mapping) == ["worker-a"])
        let late = makeStragglers { _ in ["worker-a": before, "worker-b": after] }
        #expect(try await late.workers(of: mapping) == ["worker-a"])
        let done = makeStragglers { _ in ["worker-a": after] }
        #expect(try await done.workers(of: mapping).isEmpty)

        try await store.release(lease)
        #expect(try await makeStragglers().workers(of: mapping).isEmpty)
    }

    @Test func `during a hand-off the holder is waited for, not the worker that waits`() async throws {
        let lease = try await lease(0, for: "worker-a")

        #expect(try await store.requestHandOff(lease.key, from: "worker-a", to: "worker-b"))

        #expect(try await makeStragglers().workers(of: mapping) == ["worker-a"])
    }

    @Test func `a worker that shows no life for the failover time is not waited for`() async throws {
        let hung = try await lease(0, for: "worker-a")
        let live = try await lease(1, for: "worker-b")
        let stragglers = makeStragglers()
        #expect(try await stragglers.workers(of: mapping) == [hung.owner, live.owner])

        clock.advance(by: .seconds(9))
        _ = try await store.renew([live])
        #expect(try await stragglers.workers(of: mapping) == [hung.owner, live.owner])
        clock.advance(by: .seconds(1))

        #expect(try await stragglers.workers(of: mapping) == [live.owner])
    }
}
