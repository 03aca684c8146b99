import Coordination
import Delivery
import StreamCore
import Testing

struct LeaseStatusTests {
    /// What is said of shard 1, given its mapping's rows at the times at which they were seen.
    private func why(
        _ looks: [(second: Int, rows: [LeaseRow])],
        after seconds: Int = 0,
        liveness: [WorkerID: Bool] = [:],
        report: ShardReport? = nil,
        isWorkerAtLimit: Bool = false
    ) -> String? {
        var observations = LeaseObservations()
        for look in looks { observations.observe(look.rows, at: .seconds(look.second)) }
        let last = looks[looks.count - 1]
        let facts = LeaseStatus.Facts(
            rows: last.rows,
            observations: observations,
            liveness: liveness,
            now: .seconds(last.second + seconds),
            isWorkerAtLimit: isWorkerAtLimit
        )
        return LeaseStatus(of: .shard(1), facts, report: report).map(String.init(describing:))
    }

    private func report(_ activity: ShardReport.Activity) -> ShardReport {
        var report = ShardReport(checkpoint: .start(.trimHorizon))
        report.activity = activity
        return report
    }

    @Test func `nothing is said of a lease that does not exist`() {
        #expect(why([(0, [.shard(0)])]) == nil)
    }

    @Test func `a child waits for its parent, and who holds that is named`() {
        let child = LeaseRow.shard(1, parents: [0])
        let looks = [
            (
                second: 0,
                rows: [LeaseRow.shard(0, owner: "worker-b", counter: 1, checkpoint: .at(120)), child]
            ),
            (
                second: 2,
                rows: [LeaseRow.shard(0, owner: "worker-b", counter: 2, checkpoint: .at(123)), child]
            ),
        ]

        #expect(
            why(looks, after: 4)
                == "waits for its parent shardId-000000000000, which worker-b holds at 123 and moved 4 s ago"
        )
        #expect(
            why([(0, [.shard(0), child])])
                == "waits for its parent shardId-000000000000, which nobody holds at TRIM_HORIZON"
        )
        #expect(why([(0, [.shard(0, checkpoint: .shardEnd), child])])?.hasPrefix("free for 0 s") == true)
    }

    @Test func `a hand-off says who finishes a batch for whom`() {
        let row = LeaseRow.shard(1, owner: "b", checkpointOwner: "a")

        #expect(
            why([(0, [row])], after: 3)
                == "handed from a to b since 3 s: a finishes its batch, for 30 s at most"
        )
    }

    @Test func `a holder that shows no life is given its time`() {
        let row = LeaseRow.shard(1, owner: "b")

        #expect(why([(0, [row])], after: 7) == "held by b, which has shown no life for 7 s; expires in 3 s")
        #expect(why([(0, [row])], after: 2) == "held by b, which lives")
        #expect(
            why([(0, [row])], after: 12)
                == "free for 2 s: b, which held it, shows no life; nobody has taken it yet"
        )
        #expect(
            why([(0, [.shard(1, owner: "b", isOrphaned: true)])]) == "free: the process of b has ended"
        )
    }

    @Test func `a lease can be kept for a worker that is dead`() {
        let row = LeaseRow.shard(1, owner: "c")

        #expect(why([(0, [row])], liveness: ["c": false]) == "reserved for c, which is dead")
        #expect(
            why([(0, [row])], after: 7, liveness: ["c": true]) == "reserved for c, which has not taken it yet"
        )
    }

    @Test func `a worker at its limit says so where that is why`() {
        #expect(
            why([(0, [.shard(1)])], after: 5, isWorkerAtLimit: true)
                == "free for 5 s; nobody has taken it yet; this worker has as many leases as it may have"
        )
        #expect(why([(0, [.shard(1, owner: "b")])], isWorkerAtLimit: true) == "held by b, which lives")
    }

    @Test func `a shard held here says what its function does`() {
        let row = LeaseRow.shard(1, owner: "me")
        let retrying = report(.retrying(failures: 6, of: 9, error: "Error: no", delay: .seconds(12)))

        #expect(
            why([(0, [row])], report: retrying)
                == "function fails: attempt 7 of 10, next in 12 s: Error: no"
        )
        #expect(
            why([(0, [row])], report: report(.waitingForRecords))
                == "waits for records: everything that was read is done"
        )
        #expect(why([(0, [.shard(1, checkpoint: .shardEnd)])]) == "finished: every record is done")
    }
}
