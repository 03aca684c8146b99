import Coordination
import StreamCore
import Synchronization
import TestSupport
import Testing

/// Leases that move between workers that live.
@Suite(.timeLimit(.minutes(5)))
struct HandOffTests {
    @Test(arguments: [false, true])
    func `a worker that comes later has its share within three failover times, and no record runs twice`(
        reports: Bool
    ) async throws {
        try await withFleet(shards: 8) { fleet in
            let first = fleet.start("a", reports: reports)
            _ = try await fleet.passUntil { try await fleet.shares() == ["a": 8] }
            let numbers = try (0..<8).flatMap { try fleet.append(3, to: $0) }

            let second = fleet.start("b", reports: reports)
            let time = try await fleet.passUntil {
                try await fleet.isAtRest(["a": 4, "b": 4])
            }
            let later = try (0..<8).flatMap { try fleet.append(3, to: $0) }
            _ = try await fleet.passUntil {
                first.handler.numbers.count + second.handler.numbers.count >= 48
            }

            #expect(try #require(time) <= .seconds(30))
            #expect((first.handler.numbers + second.handler.numbers).sorted() == (numbers + later).sorted())
        }
    }

    @Test func `leases do not move back and forth once they are shared`() async throws {
        try await withFleet(shards: 7) { fleet in
            let workers = ["a", "b", "c"].map { fleet.start($0, reports: true) }
            _ = try await fleet.passUntil {
                let isShared = try await Set(fleet.shares().values) == [2, 3]
                return isShared && workers.allSatisfy { $0.store.acquisitions > 1 }
            }
            // A reporting worker sleeps in four places. What is still handed over gets its consumer only with time.
            _ = try await fleet.passUntil {
                try await fleet.isAtRest() && fleet.clock.sleeperCount == 4 * 3 + 7
            }
            let acquired = workers.map(\.store.acquisitions)

            await fleet.pass(.seconds(100))

            #expect(workers.map(\.store.acquisitions) == acquired)
        }
    }

    @Test func `a hand-off waits for the batch in hand`() async throws {
        try await withFleet(shards: 2) { fleet in
            let gate = Gate()
            let blocking = ClosureHandler { _ in
                await gate.pass()
                return .succeeded
            }
            let numbers = try (0..<2).flatMap { try fleet.append(2, to: $0) }
            let first = fleet.start("a", handler: blocking)
            await blocking.invocations.wait(for: 2)
            let second = fleet.start("b")
            _ = try await fleet.passUntil { try await !fleet.isAtRest() }
            await fleet.pass(.seconds(20))
            #expect(try await !fleet.isAtRest())
            #expect(second.handler.numbers.isEmpty)

            gate.open()
            _ = try await fleet.passUntil {
                try await fleet.isAtRest() && second.store.acquisitions == 1
            }

            #expect(try await fleet.shares() == ["a": 1, "b": 1])
            #expect(first.handler.numbers.sorted() == numbers)
            #expect(second.handler.numbers.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `a holder that does not finish in time gives way, whether it heeds its cancellation or not`(
        heeds: Bool
    ) async throws {
        try await withFleet(shards: 2) { fleet in
            let gate = Gate()
            let stuck = ClosureHandler { _ in
                if heeds { await gate.pass() } else { await Task { await gate.pass() }.value }
                return .failed(.timedOut(after: .seconds(1)))
            }
            for shard in 0..<2 { try fleet.append(1, to: shard) }
            _ = fleet.start("a", handler: stuck)
            await stuck.invocations.wait(for: 2)
            let second = fleet.start("b")

            _ = try await fleet.passUntil { try await !fleet.isAtRest() }
            let time = try await fleet.passUntil { second.handler.numbers.count == 1 }

            let (least, most) =
                heeds ? (Duration.seconds(29), Duration.seconds(36)) : (.seconds(39), .seconds(46))
            #expect(try #require(time) >= least && #require(time) <= most)
            gate.open()
        }
    }

    @Test func `what was released for a worker that died meanwhile is taken after the failover time`()
        async throws
    {
        try await withFleet(shards: 1) { fleet in
            try fleet.append(1, to: 0)
            let gate = Gate()
            let first = fleet.start(
                "a",
                handler: ClosureHandler { _ in
                    await gate.pass()
                    return .succeeded
                }
            )
            await first.handler.invocations.wait(for: 1)
            #expect(try await fleet.store.requestHandOff(.shard(0), from: "a", to: "dead"))
            await fleet.pass(.seconds(4))

            gate.open()
            _ = try await fleet.passUntil { try await fleet.row(0)?.holder == "dead" }
            let time = try await fleet.passUntil { try await fleet.owner(of: 0) == "a" }

            #expect(try #require(time) <= .seconds(14))
            #expect(first.handler.numbers.count == 1)
        }
    }

    // MARK: What went wrong in KCL

    @Test func `a worker that starts again while it was to hand a lease over works on it at once`()
        async throws
    {
        try await withFleet { fleet in
            let numbers = try fleet.append(3, to: 0)
            let shard = try #require(fleet.log.currentShards.first)
            try await fleet.store.add(
                [NewLease(shard: shard, checkpoint: .start(.trimHorizon))],
                to: .flights
            )
            _ = try await fleet.store.acquire(.shard(0), seen: 0, for: "a")
            #expect(try await fleet.store.requestHandOff(.shard(0), from: "a", to: "b"))

            let worker = fleet.start("a")

            // The clock stands still.
            await worker.handler.waitForRecords(3)
            #expect(worker.handler.numbers == numbers)
        }
    }

    @Test func `a worker whose hand-offs have expired does not count as busy with them`() {
        let expired = (0..<2).map { number in
            LeasePlan.Candidate(
                row: .shard(number, owner: "gone", checkpointOwner: "stuck"),
                state: .free(.zero),
                silence: .seconds(10)
            )
        }

        #expect(LeasePlan(candidates: expired, worker: "me").acquire.count == 2)
    }

    @Test func `a lease that the store did not let go of moves all the same`() async throws {
        try await withFleet(shards: 2) { fleet in
            let first = fleet.start(
                "a",
                before: { store in
                    store.fail { if case .release = $0 { true } else { false } }
                }
            )
            _ = try await fleet.passUntil { first.store.acquisitions == 2 }
            let second = fleet.start("b")

            let time = try await fleet.passUntil { second.store.acquisitions > 0 }

            #expect(try #require(time) <= .seconds(60))
        }
    }

    @Test func `no lease is kept alive after its processing has ended`() async throws {
        try await withFleet { fleet in
            let starts = Mutex(0)
            let store = FaultyLeaseStore(fleet.store)
            store.fail { if case .release = $0 { true } else { false } }
            let ownership = fleet.ownership("a", store)
            let drain = DrainSignal()
            let running = Task {
                try await ownership.run(until: drain) { _ in
                    starts.withLock { $0 += 1 }
                    return .over
                }
            }

            await fleet.pass(.seconds(100))

            // Each time that the lease was held somebody worked on it, and else its counter stood still.
            #expect(starts.withLock(\.self) == store.acquisitions)
            #expect(starts.withLock(\.self) > 1)
            drain.request()
            _ = try await fleet.passUntil { running.isCancelled || store.acquisitions > 0 }
            running.cancel()
            _ = await running.result
        }
    }

    @Test func `a worker that follows another's plan takes what is assigned to it`() async throws {
        try await withFleet(shards: 2) { fleet in
            let worker = fleet.start("a", planning: { .following })
            await fleet.pass(.seconds(60))
            #expect(worker.store.acquisitions == 0)

            let row = try #require(try await fleet.row(1))
            _ = try await fleet.store.acquire(row.key, seen: row.counter, for: "a")
            _ = try await fleet.passUntil { worker.store.acquisitions == 1 }

            #expect(worker.acquisitions(of: 1) == 1)
        }
    }
}
