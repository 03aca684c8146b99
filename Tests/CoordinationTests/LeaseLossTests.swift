import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LeaseLossTests {
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

            await fleet.settle()
            fleet.clock.advance(by: .seconds(3.5))

            await cancellations.wait(for: 1)
            #expect(cancellations.events == [true])
            await fleet.pass(.seconds(4))
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
            await fleet.pass(.seconds(3.5))
            let lastRenewal = clock.now
            worker.store.fail { _ in true }

            await fleet.pass(.seconds(10))

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
            await fleet.pass(.seconds(10))
            worker.store.fail { _ in false }
            await fleet.pass(.seconds(4))
            await handler.invocations.wait(for: 2)

            first.open()
            await fleet.pass(.seconds(20))
            second.open()
            await fleet.settle()

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
            await fleet.settle()
            isFailing.withLock { $0 = false }

            await fleet.pass(.seconds(2))

            #expect(handler.invocations.events.map(\.numbers) == [numbers])
            #expect(worker.acquisitions(of: 0) == 1)
            #expect(try await fleet.checkpoint(of: 0) == .at(numbers[2]))
        }
    }
}
