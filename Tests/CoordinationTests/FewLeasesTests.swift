import Coordination
import StreamCore
import Testing

/// Plans for mappings that have fewer leases than there are workers.
struct FewLeasesTests {
    typealias Candidate = LeasePlan.Candidate

    private let mappings = (0..<60).map { MappingID(unchecked: "mapping-\($0)") }

    /// Who holds the leases of each mapping once every worker has carried out what it plans; `nil` is nobody.
    private func settled(
        _ holders: [MappingID: [WorkerID?]],
        among workers: [WorkerID],
        balancing: LeasePlan.Balancing = .load
    ) -> [MappingID: [WorkerID?]] {
        let settled = holders.map { mapping, before in
            var holders = before
            for worker in workers {
                let candidates = holders.enumerated().map { number, holder in
                    let row = LeaseRow.shard(number, of: mapping, owner: holder, throughput: 10)
                    return Candidate(row: row, state: holder == nil ? .free(.zero) : .held)
                }
                let plan = LeasePlan(
                    candidates: candidates,
                    members: workers.map { LeasePlan.Member($0) },
                    worker: worker,
                    rules: LeasePlan.Rules(balancing: balancing),
                    isBalanceDue: true
                )
                for row in plan.acquire + plan.requests {
                    holders[candidates.firstIndex { $0.row == row } ?? 0] = worker
                }
            }
            return (mapping, holders)
        }
        return Dictionary(uniqueKeysWithValues: settled)
    }

    private func count(of worker: WorkerID, in holders: [MappingID: [WorkerID?]]) -> Int {
        holders.values.joined().count { $0 == worker }
    }

    private func fresh(leases count: Int) -> [MappingID: [WorkerID?]] {
        Dictionary(uniqueKeysWithValues: mappings.map { ($0, Array(repeating: nil, count: count)) })
    }

    @Test(arguments: LeasePlan.Balancing.allCases, [1, 2])
    func `a worker that joins gets its part of many mappings, and nothing else moves`(
        balancing: LeasePlan.Balancing,
        leases: Int
    ) {
        let first = settled(fresh(leases: leases), among: ["a"], balancing: balancing)
        let two = settled(first, among: ["a", "b"], balancing: balancing)
        let three = settled(two, among: ["a", "b", "c"], balancing: balancing)

        #expect(count(of: "a", in: first) == 60 * leases)
        #expect((20 * leases...40 * leases).contains(count(of: "b", in: two)))
        #expect((12 * leases...28 * leases).contains(count(of: "c", in: three)))
        for mapping in mappings {
            for (before, after) in zip(two[mapping] ?? [], three[mapping] ?? []) where before != after {
                #expect(after == "c")
            }
        }
    }

    @Test func `workers that start together share out the only leases of many mappings`() {
        let holders = settled(fresh(leases: 1), among: ["a", "b"])

        #expect((20...40).contains(count(of: "a", in: holders)))
        #expect(count(of: "a", in: holders) + count(of: "b", in: holders) == 60)
    }

    @Test(arguments: LeasePlan.Balancing.allCases)
    func `nothing moves any more once it has settled`(balancing: LeasePlan.Balancing) {
        let workers: [WorkerID] = ["a", "b", "c", "d", "e"]
        let holders = settled(fresh(leases: 3), among: workers, balancing: balancing)

        #expect(settled(holders, among: workers.reversed(), balancing: balancing) == holders)
        #expect(holders.values.allSatisfy { Set($0).count == 3 && !$0.contains(nil) })
    }

    @Test func `a worker at its limit leaves the lease where it is`() {
        let held = Candidate(row: .shard(0, owner: "other"), state: .held)
        let plans = ["me", "you", "they"].map { (worker: WorkerID) in
            LeasePlan(
                candidates: [held],
                members: [.init("me"), .init("you"), .init("they"), .init("other")],
                worker: worker,
                rules: LeasePlan.Rules(maxLeases: 0)
            )
        }

        #expect(plans.flatMap(\.requests).isEmpty)
    }
}
