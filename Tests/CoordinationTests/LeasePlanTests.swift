import Coordination
import StreamCore
import Testing

struct LeasePlanTests {
    typealias Candidate = LeasePlan.Candidate

    private func plan(
        _ candidates: [Candidate],
        _ members: [LeasePlan.Member] = [],
        worker: WorkerID = "me",
        maxLeases: Int? = nil,
        balancing: LeasePlan.Balancing = .count
    ) -> LeasePlan {
        LeasePlan(
            candidates: candidates,
            members: members,
            worker: worker,
            rules: LeasePlan.Rules(balancing: balancing, maxLeases: maxLeases)
        )
    }

    private func acquired(_ plan: LeasePlan, of candidates: [Candidate]) -> [Int] {
        plan.acquire.map { row in candidates.firstIndex { $0.row == row } ?? -1 }
    }

    // MARK: Free leases

    @Test func `a worker without company takes everything`() {
        let candidates = (0..<3).map { Candidate.free($0) }

        #expect(Set(acquired(plan(candidates), of: candidates)) == [0, 1, 2])
    }

    @Test func `there is nothing to take when there are no leases`() {
        #expect(plan([]) == plan([], [.init("me"), .init("other")]))
        #expect(plan([]).acquire.isEmpty)
    }

    @Test func `a lease that another worker keeps alive is left alone`() {
        let plan = plan([.held(0, by: "other"), .held(1, by: "me")])

        #expect(plan.acquire.isEmpty && plan.requests.isEmpty)
    }

    @Test(arguments: [
        // Five leases and two workers: the last goes to whom the hash picks.
        (mine: 0, others: 1, free: 4, taken: 2...3),
        (mine: 1, others: 1, free: 3, taken: 1...2),
        (mine: 2, others: 2, free: 1, taken: 0...1),
        (mine: 3, others: 1, free: 1, taken: 0...0),
        // More workers than leases: a share of one.
        (mine: 0, others: 1, free: 1, taken: 1...1),
        (mine: 1, others: 1, free: 0, taken: 0...0),
    ])
    func `a worker takes up to an equal share`(
        mine: Int,
        others: Int,
        free count: Int,
        taken: ClosedRange<Int>
    ) {
        let mineHeld = (0..<mine).map { Candidate.held($0, by: "me") }
        let othersHeld = (0..<others).map { Candidate.held(10 + $0, by: "other") }
        let unowned = (0..<count).map { Candidate.free(20 + $0) }

        #expect(taken.contains(plan(mineHeld + othersHeld + unowned).acquire.count))
    }

    @Test(arguments: LeasePlan.Balancing.allCases)
    func `workers that start together share the leases out without wanting the same`(
        balancing: LeasePlan.Balancing
    ) {
        let candidates = (0..<64).map { Candidate.free($0) }
        let workers = (0..<8).map { WorkerID(unchecked: "worker-\($0)") }
        let members = workers.map { LeasePlan.Member($0) }

        let plans = workers.map { plan(candidates, members, worker: $0, balancing: balancing).acquire }

        #expect(plans.allSatisfy { $0.count == 8 })
        #expect(Set(plans.flatMap(\.self)).count == 64)
    }

    @Test func `a worker that is alone at first takes a part, and looks whether it still is`() {
        let candidates = (0..<300).map { Candidate.free($0) }

        let plan = plan(candidates)

        #expect(plan.acquire.count == 100)
        #expect(plan.isPartial)
    }

    @Test func `a worker whose leases have all expired does not count, though it was heard of`() {
        let candidates = (0..<4).map { Candidate.free($0, owner: "dead", silent: 11) }

        #expect(plan(candidates, [.init("me"), .init("dead")]).acquire.count == 4)
    }

    @Test func `a worker that drains has no share`() {
        let candidates = [.held(0, by: "old")] + (1..<4).map { Candidate.free($0) }

        #expect(plan(candidates, [.init("me"), .init("old", isDraining: true)]).acquire.count == 3)
    }

    @Test func `what nobody took for a renewal period is taken whatever the share`() {
        let mine = (0..<4).map { Candidate.held($0, by: "me") }
        let candidates = mine + [.free(4), .free(5, for: 3.4)]

        #expect(acquired(plan(candidates, [.init("me"), .init("other")]), of: candidates) == [5])
    }

    @Test func `very old leases go first, the longest silent before the others`() {
        let candidates: [Candidate] = [
            .free(0), .free(1, owner: "dead", silent: 31), .free(2, owner: "dead", silent: 12),
            .free(3, owner: "dead", silent: 45),
        ]

        #expect(acquired(plan(candidates), of: candidates).prefix(2) == [3, 1])
    }

    @Test func `what is kept for a worker is its own whatever the share`() {
        let mine = (0..<4).map { Candidate.held($0, by: "me") }
        let owed = Candidate(row: .shard(4, owner: "me"), state: .owed)

        #expect(plan(mine + [owed], [.init("me"), .init("other")]).acquire == [owed.row])
    }

    @Test func `a worker at its limit takes and asks for no more`() {
        let candidates: [Candidate] =
            [.held(0, by: "me"), .free(1), .free(2)] + (3..<9).map { Candidate.held($0, by: "other") }

        #expect(plan(candidates, maxLeases: 2).acquire.count == 1)
        let full = plan(candidates, maxLeases: 1)
        #expect(full.acquire.isEmpty && full.requests.isEmpty)
    }

    @Test func `who follows another's plan takes what is assigned to it alone`() {
        let assigned = Candidate(row: .shard(0, owner: "me"), state: .owed)
        let waiting = Candidate(row: .shard(1, owner: "me", checkpointOwner: "other"), state: .owed)

        let plan = LeasePlan(following: [assigned, waiting, .free(2, for: 100)], worker: "me")

        #expect(plan.acquire == [assigned.row])
        #expect(plan.requests.isEmpty)
    }

    // MARK: Asking by count

    @Test(arguments: [
        (held: [64, 0], asked: [0, 32]), (held: [3, 1], asked: [0, 1]), (held: [2, 1], asked: [0, 0]),
        (held: [4, 3, 3, 0], asked: [0, 0, 0, 2]), (held: [4, 2, 2, 2], asked: [0, 1, 0, 0]),
        (held: [1, 1, 1], asked: [0, 0, 0]),
        (held: [8, 8, 8], asked: [0, 0, 0]),
        (held: [12, 12, 0, 0], asked: [0, 0, 6, 6]),
    ])
    func `workers ask until none has two leases more than another`(held: [Int], asked: [Int]) {
        let workers = held.indices.map { WorkerID(unchecked: "worker-\($0)") }
        let candidates = zip(held, workers).enumerated().flatMap { index, entry in
            (0..<entry.0).map { Candidate.held(100 * index + $0, by: entry.1) }
        }

        let plans = workers.map {
            plan(candidates, workers.map { LeasePlan.Member($0) }, worker: $0).requests
        }

        #expect(plans.map(\.count) == asked)
        #expect(Set(plans.flatMap(\.self)).count == asked.reduce(0, +), "no two ask for the same")
    }

    @Test func `leases that are on their way to a worker count as its own`() {
        let moving = (0..<4).map { number in
            Candidate(row: .shard(number, owner: "me", checkpointOwner: "other"), state: .held)
        }
        let candidates = moving + (4..<8).map { Candidate.held($0, by: "other") }

        #expect(plan(candidates).requests.isEmpty)
    }

    @Test func `a draining worker is not asked, it gives its leases up anyway`() {
        let candidates = (0..<8).map { Candidate.held($0, by: "old") }

        #expect(plan(candidates, [.init("me"), .init("old", isDraining: true)]).requests.isEmpty)
    }

    @Test func `a plan that ends in balance asks for nothing more when it is carried out`() {
        let workers = (0..<5).map { WorkerID(unchecked: "worker-\($0)") }
        var owners = (0..<64).map { _ in workers[0] }
        for _ in 0..<3 {
            for worker in workers {
                let candidates = owners.enumerated().map { Candidate.held($0, by: $1) }
                for row in plan(candidates, workers.map { LeasePlan.Member($0) }, worker: worker).requests {
                    owners[candidates.firstIndex { $0.row == row } ?? 0] = worker
                }
            }
        }

        let counts = workers.map { worker in owners.count { $0 == worker } }
        #expect(counts.sorted() == [12, 13, 13, 13, 13])
        let candidates = owners.enumerated().map { Candidate.held($0, by: $1) }
        #expect(workers.allSatisfy { plan(candidates, worker: $0).requests.isEmpty })
    }
}

extension LeasePlan.Candidate {
    static func free(
        _ shard: Int,
        owner: WorkerID? = nil,
        silent seconds: Int = 0,
        for freeSeconds: Double = 0
    ) -> Self {
        Self(
            row: .shard(shard, owner: owner),
            state: .free(.seconds(freeSeconds)),
            silence: .seconds(seconds)
        )
    }

    static func held(_ shard: Int, by owner: WorkerID, throughput: Double? = nil) -> Self {
        Self(row: .shard(shard, owner: owner, throughput: throughput), state: .held)
    }
}
