import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DrainTests {
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

            await fleet.pass(.seconds(60))
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
            await fleet.settle()
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
}
