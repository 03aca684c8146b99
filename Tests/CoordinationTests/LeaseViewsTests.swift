import Coordination
import Delivery
import StreamCore
import TestSupport
import Testing

/// What a worker's looks tell whoever asks between two of them.
@Suite(.timeLimit(.minutes(5)))
struct LeaseViewsTests {
    private func why(_ shard: Int, of worker: FleetWorker, in fleet: Fleet) async throws -> LeaseStatus.Reason
    {
        let rows = try await fleet.store.leases(of: .flights)
        let facts = try #require(worker.views.facts(of: .flights, rows))
        return try #require(LeaseStatus(of: .shard(shard), facts, report: worker.report(of: shard))).reason
    }

    @Test func `a lease that was acquired after the last look is not called free`() async throws {
        try await withFleet { fleet in
            let worker = fleet.start("a")
            await fleet.settle()

            let reason = try await why(0, of: worker, in: fleet)
            #expect(reason == .processing(.waitingForRecords, lastError: nil))
        }
    }

    @Test func `a lease that is renewed is not called expired, however long ago the last look was`()
        async throws
    {
        try await withFleet { fleet in
            let shard = try await fleet.log.shards()[0]
            let new = NewLease(shard: shard, checkpoint: .start(.trimHorizon))
            try await fleet.store.add([new], to: .flights)
            let lease = try #require(try await fleet.store.acquire(.shard(0), seen: 0, for: "other"))
            let worker = fleet.start("a")
            await fleet.settle()
            worker.store.gate.close()
            fleet.clock.advance(by: .seconds(20))
            _ = try await fleet.store.renew([lease])

            let reason = try await why(0, of: worker, in: fleet)
            #expect(reason == .held(by: "other", moved: nil))
            worker.store.gate.open()
        }
    }
}
