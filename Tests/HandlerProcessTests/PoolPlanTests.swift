import StreamCore
import Testing

@testable import HandlerProcess

struct PoolPlanTests {
    private typealias Slot = PoolPlan.Slot

    private static let idle = Slot(isReady: true)
    private static let busy = Slot(isReady: true, inFlight: 1)
    private static let starting = Slot(isReady: false)

    private func plan(depth: Int = 8, limit: Int = 10, took: Duration? = nil) -> PoolPlan {
        var plan = PoolPlan(channelDepth: depth, concurrencyLimit: limit, processors: 2)
        if let took { plan.took(took) }
        return plan
    }

    @Test func `the process that was used last gets the batch`() {
        let slots = [
            Slot(isReady: true, lastUse: 3), Slot(isReady: true, lastUse: 9), Slot(isReady: true, lastUse: 5),
        ]

        #expect(plan().next(slots, waiting: 1, mayStart: true) == .hand(to: 1))
    }

    @Test func `a process is started for each batch that waits, and no more`() {
        #expect(plan().next([], waiting: 1, mayStart: true) == .start)
        #expect(plan().next([Self.starting], waiting: 1, mayStart: true) == .wait)
        #expect(plan().next([Self.starting], waiting: 2, mayStart: true) == .start)
    }

    @Test func `nothing is started while starts back off`() {
        #expect(plan().next([], waiting: 1, mayStart: false) == .wait)
    }

    @Test func `a fast plugin has a process for each processor, and batches queue in their channels`() {
        let fast = plan(took: .milliseconds(1))

        #expect(fast.next([Self.busy], waiting: 1, mayStart: true) == .start)
        #expect(
            fast.next([Slot(isReady: true, inFlight: 2), Self.busy], waiting: 1, mayStart: true)
                == .hand(to: 1)
        )
        let full = Array(repeating: Slot(isReady: true, inFlight: 8), count: 2)
        #expect(fast.next(full, waiting: 1, mayStart: true) == .wait)
    }

    @Test func `a slow function has a process for each batch, up to its limit`() {
        let slow = plan(limit: 3, took: .milliseconds(50))

        #expect(slow.next([Self.busy, Self.busy], waiting: 1, mayStart: true) == .start)
        #expect(slow.next([Self.busy, Self.busy, Self.busy], waiting: 1, mayStart: true) == .wait)
    }

    @Test func `no batch waits behind another while the pace is unknown`() {
        #expect(plan().next([Self.busy, Self.busy], waiting: 1, mayStart: true) == .wait)
    }

    @Test func `a runtime that takes one batch at a time may use the whole limit`() {
        let runtime = plan(depth: 1, took: .milliseconds(1))

        #expect(runtime.next([Self.busy, Self.busy], waiting: 1, mayStart: true) == .start)
    }

    @Test func `waits between starts double up to a minute`() {
        var backoff = StartBackoff()
        var now = Duration.zero
        var waits: [Duration] = []
        for _ in 0..<10 {
            backoff.failed("no table", at: now)
            let wait = backoff.remaining(at: now) ?? .zero
            waits.append(wait)
            now += wait
            #expect(backoff.remaining(at: now) == nil)
        }

        let milliseconds = [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        #expect(waits == milliseconds.map { .milliseconds($0) })
    }
}
