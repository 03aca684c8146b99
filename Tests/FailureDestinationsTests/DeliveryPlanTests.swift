import StreamCore
import Testing

@testable import FailureDestinations

struct DeliveryPlanTests {
    private let queue = FailureTarget.queue("a")
    private let start = Timestamp(milliseconds: 1_000_000)

    @Test(
        arguments: [
            (1, 500), (2, 1_000), (3, 2_000), (10, 256_000), (11, 300_000), (1_000_000, 300_000),
        ] as [(Int, Int64)]
    )
    func `delays double up to five minutes`(failures: Int, milliseconds: Int64) {
        let backoff = DeliveryBackoff()

        #expect(backoff.delayMilliseconds(afterFailures: failures, jitter: 1) == milliseconds)
        #expect(backoff.delayMilliseconds(afterFailures: failures, jitter: 0) == milliseconds / 2)
    }

    @Test func `a destination has so many places and no more`() {
        var plan = DeliveryPlan(settings: OutboxSettings())

        let begun = (0..<10).compactMap { plan.begin("\($0)", for: queue, at: start) }

        #expect(begun.map(\.id) == ["0", "1", "2", "3"])
        #expect(plan.closed(at: start) == [queue])
        plan.end(begun[0])
        let (twice, next) = (plan.begin("1", for: queue, at: start), plan.begin("4", for: queue, at: start))
        #expect(twice == nil)
        #expect(next?.id == "4")
    }

    @Test func `a destination that failed is held back, tried with one, and open again once that works`()
        throws
    {
        var plan = DeliveryPlan(settings: OutboxSettings())
        let begun = (plan.begin("1", for: queue, at: start), plan.begin("2", for: queue, at: start))
        let (first, second) = (try #require(begun.0), try #require(begun.1))

        let news = plan.failed(first, attemptsBefore: 0, at: start, jitter: 1)
        let same = plan.failed(second, attemptsBefore: 0, at: start, jitter: 1)
        plan.end(first)
        plan.end(second)

        let release = start.advanced(byMilliseconds: 500)
        #expect(news == (release, true))
        #expect(same == (release, false))
        #expect(plan.firstRelease(after: start) == release)
        let early = plan.begin("3", for: queue, at: start)
        #expect(early == nil)
        let begunLater = plan.begin("3", for: queue, at: release)
        let probe = try #require(begunLater)
        let beside = plan.begin("4", for: queue, at: release)
        #expect(beside == nil)
        let isBack = plan.succeeded(probe)
        #expect(isBack)
        let next = plan.begin("4", for: queue, at: release)
        #expect(next != nil)
        #expect(plan.firstRelease(after: release) == nil)
    }

    @Test func `the delay grows with the destination's failures and with the failure's own`() throws {
        var plan = DeliveryPlan(settings: OutboxSettings())
        var now = start
        for round in 1...4 {
            let begun = plan.begin("\(round)", for: queue, at: now)
            let attempt = try #require(begun)
            let next = plan.failed(attempt, attemptsBefore: 0, at: now, jitter: 1).next
            plan.end(attempt)
            #expect(next.millisecondsSince(now) == 250 << Int64(round))
            now = next
        }
        let begun = plan.begin("old", for: queue, at: now)
        let attempt = try #require(begun)

        let next = plan.failed(attempt, attemptsBefore: 7, at: now, jitter: 1).next

        #expect(next.millisecondsSince(now) == 64_000)
    }

    @Test func `the last places are for destinations that have none`() {
        var plan = DeliveryPlan(settings: OutboxSettings())
        for target in 0..<8 {
            for id in 0..<4 { _ = plan.begin("\(target)-\(id)", for: .queue("slow-\(target)"), at: start) }
        }

        let begun = (0..<10).compactMap { plan.begin("other-\($0)", for: .queue("other-\($0)"), at: start) }

        // Six have four places each, two have one each, and six are left.
        #expect(begun.count == 6)
        #expect(plan.inFlight.count == 32)
    }
}
