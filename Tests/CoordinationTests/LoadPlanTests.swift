import Coordination
import StreamCore
import Testing

/// Balancing by load, as KCL 3 does.
struct LoadPlanTests {
    typealias Candidate = LeasePlan.Candidate

    /// The shards that each worker asks for, given the throughput of those that each holds.
    private func requests(_ throughput: [[Double]], cpu: [Double?] = [], isBalanceDue: Bool = true)
        -> [[Double]]
    {
        let workers = throughput.indices.map { WorkerID(unchecked: "worker-\($0)") }
        let members = workers.enumerated().map { LeasePlan.Member($1, cpu: cpu.isEmpty ? nil : cpu[$0]) }
        let candidates = throughput.enumerated().flatMap { index, loads in
            loads.enumerated().map { number, load in
                Candidate.held(100 * index + number, by: workers[index], throughput: load)
            }
        }
        return workers.map { worker in
            LeasePlan(
                candidates: candidates,
                members: members,
                worker: worker,
                rules: LeasePlan.Rules(balancing: .load),
                isBalanceDue: isBalanceDue
            ).requests.map { $0.throughput ?? 0 }
        }
    }

    @Test func `a worker that carries a tenth more than the average, or less, keeps what it has`() {
        #expect(requests([[55, 54], [45, 46]]) == [[], []])
    }

    @Test func `of what a worker has too much, three fifths move`() {
        // 160 and 40, an average of 100: 36 of the 60 may move, three leases of 10.
        #expect(
            requests([Array(repeating: 10, count: 16), Array(repeating: 10, count: 4)]).map(\.count) == [
                0, 6,
            ]
        )
        let even = requests([Array(repeating: 10, count: 16), Array(repeating: 2.5, count: 16)])
        #expect(even == [[], [10, 10, 10]])
    }

    @Test func `nothing moves before its time`() {
        let loads = [Array(repeating: 10.0, count: 16), Array(repeating: 2.5, count: 16)]

        #expect(requests(loads, isBalanceDue: false) == [[], []])
    }

    @Test func `when no lease is small enough the smallest may overshoot`() {
        // 30 and 18, an average of 24: 3.6 may move.
        #expect(requests([[20, 5, 5], [6, 6, 6]]) == [[], [5]])
    }

    @Test func `no worker is brought above the average`() {
        #expect(requests([[100], [1, 1, 1]]) == [[], []])
        #expect(requests([[60, 60], [30, 30]]) == [[], []])
    }

    @Test func `CPU time is balanced when every worker reports it`() {
        let loads = Array(repeating: Array(repeating: 10.0, count: 10), count: 2)

        // 90 and 10 %, an average of 50: 26.7 of the first one's 100 may move.
        #expect(requests(loads, cpu: [90, 10]) == [[], [10, 10]])
        #expect(requests(loads, cpu: [90, nil]) == [[], []])
    }

    @Test func `a new worker gets its share of leases at once, whatever the loads`() {
        let loads = [Array(repeating: 5.0, count: 16), Array(repeating: 5.0, count: 16), []]

        #expect(requests(loads, isBalanceDue: false).map(\.count) == [0, 0, 10])
    }

    @Test func `without figures the number of leases is balanced`() {
        let loads = [Array(repeating: 0.0, count: 9), Array(repeating: 0.0, count: 1)]

        #expect(requests(loads, isBalanceDue: false).map(\.count) == [0, 4])
    }

    @Test func `a worker with one busy shard is not sent others to make up the number`() {
        #expect(requests([[100], Array(repeating: 1, count: 63)], isBalanceDue: false) == [[], []])
    }

    @Test func `while leases move no more of them are asked for to balance loads`() {
        let busy = (0..<16).map { Candidate.held($0, by: "busy", throughput: 10) }
        let mine = (20..<36).map { Candidate.held($0, by: "me", throughput: 1) }
        let moving = Candidate(row: .shard(50, owner: "me", checkpointOwner: "busy"), state: .held)
        func plan(_ candidates: [Candidate]) -> LeasePlan {
            LeasePlan(candidates: candidates, worker: "me", isBalanceDue: true)
        }

        #expect(!plan(busy + mine).requests.isEmpty)
        #expect(plan(busy + mine + [moving]).requests.isEmpty)
    }
}
