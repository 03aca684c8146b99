import Coordination
import StreamCore
import Testing

struct LeasePlanTests {
    private let failover = Duration.seconds(10)

    private func plan(_ candidates: [LeasePlan.Candidate]) -> [Int] {
        LeasePlan(candidates: candidates, worker: "me", failover: failover).acquire.map { row in
            candidates.firstIndex { $0.row == row } ?? -1
        }
    }

    private func free(_ shard: Int, owner: WorkerID? = nil, silent seconds: Int = 0) -> LeasePlan.Candidate {
        LeasePlan.Candidate(row: .shard(shard, owner: owner), isFree: true, silence: .seconds(seconds))
    }

    private func held(_ shard: Int, by owner: WorkerID) -> LeasePlan.Candidate {
        LeasePlan.Candidate(row: .shard(shard, owner: owner), isFree: false, silence: .zero)
    }

    @Test func `a worker without company takes everything`() {
        #expect(plan([free(0), free(1), free(2)]) == [0, 1, 2])
    }

    @Test func `there is nothing to take when there are no leases`() {
        #expect(plan([]).isEmpty)
    }

    @Test func `a lease that another worker keeps alive is left alone`() {
        #expect(plan([held(0, by: "other"), held(1, by: "me")]).isEmpty)
    }

    @Test(arguments: [
        // Five leases and two workers: a share of three.
        (mine: 0, others: 1, free: 4, taken: 3),
        (mine: 1, others: 1, free: 3, taken: 2),
        (mine: 2, others: 2, free: 1, taken: 1),
        (mine: 3, others: 1, free: 1, taken: 0),
        // More workers than leases: a share of one.
        (mine: 0, others: 1, free: 1, taken: 1),
        (mine: 1, others: 1, free: 0, taken: 0),
    ])
    func `a worker takes up to an equal share`(mine: Int, others: Int, free count: Int, taken: Int) {
        let mineHeld = (0..<mine).map { held($0, by: "me") }
        let othersHeld = (0..<others).map { held(10 + $0, by: "other") }
        let unowned = (0..<count).map { free(20 + $0) }

        #expect(plan(mineHeld + othersHeld + unowned).count == taken)
    }

    @Test func `the owner of an expired lease does not count as a worker`() {
        #expect(plan([free(0, owner: "dead", silent: 11), free(1, owner: "dead", silent: 11)]) == [0, 1])
    }

    @Test func `the longest silent are taken first, equals in key order`() {
        let candidates = [
            held(9, by: "other"), free(3, owner: "dead", silent: 12), free(2, owner: "dead", silent: 12),
            free(1, owner: "dead", silent: 15), free(0),
        ]

        #expect(plan(candidates) == [3, 2, 1])
    }

    @Test(arguments: [WorkerID?.none, "dead"])
    func `what nobody took for three failover times is taken whatever the share`(owner: WorkerID?) {
        let mine = (0..<4).map { held($0, by: "me") }
        let candidates =
            mine + [held(4, by: "other"), free(5, owner: owner, silent: 30), free(6, silent: 29)]

        #expect(plan(candidates) == [5])
    }
}
