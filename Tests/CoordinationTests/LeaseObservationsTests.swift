import Coordination
import StreamCore
import Testing

struct LeaseObservationsTests {
    private let failover = Duration.seconds(10)

    @Test func `a lease without an owner is free at once`() {
        var observations = LeaseObservations()
        let row = LeaseRow.shard(0)

        observations.observe([row], at: .zero)

        #expect(observations.isFree(row, at: .zero, failover: failover))
    }

    @Test func `a lease whose owner has ended is free at once`() {
        var observations = LeaseObservations()
        let row = LeaseRow.shard(0, owner: "dead", isOrphaned: true)

        observations.observe([row], at: .zero)

        #expect(observations.isFree(row, at: .zero, failover: failover))
    }

    @Test func `a lease seen for the first time counts as renewed just now`() {
        var observations = LeaseObservations()
        let row = LeaseRow.shard(0, owner: "other")

        observations.observe([row], at: .seconds(1000))

        #expect(!observations.isFree(row, at: .seconds(1009), failover: failover))
        #expect(observations.isFree(row, at: .seconds(1010), failover: failover))
    }

    @Test func `a counter that grows keeps the lease`() {
        var observations = LeaseObservations()
        for second in 0..<100 {
            let row = LeaseRow.shard(0, owner: "other", counter: UInt64(second / 9))

            observations.observe([row], at: .seconds(second))

            #expect(!observations.isFree(row, at: .seconds(second), failover: failover))
        }
    }

    @Test func `a counter that stands still frees the lease after the failover time`() {
        var observations = LeaseObservations()
        observations.observe([.shard(0, owner: "other", counter: 4)], at: .zero)
        let row = LeaseRow.shard(0, owner: "other", counter: 5)
        observations.observe([row], at: .seconds(3))

        observations.observe([row], at: .seconds(12))

        #expect(observations.silence(of: row, at: .seconds(12)) == .seconds(9))
        #expect(!observations.isFree(row, at: .seconds(12), failover: failover))
        #expect(observations.isFree(row, at: .seconds(13), failover: failover))
    }

    @Test func `a row that was not observed as it is now is not silent`() {
        var observations = LeaseObservations()
        observations.observe([.shard(0, owner: "other", counter: 4)], at: .zero)

        let newer = LeaseRow.shard(0, owner: "other", counter: 5)

        #expect(observations.silence(of: newer, at: .seconds(60)) == .zero)
    }

    @Test func `a row that went away and came back is new`() {
        var observations = LeaseObservations()
        let row = LeaseRow.shard(0, owner: "other")
        observations.observe([row], at: .zero)
        observations.observe([], at: .seconds(5))

        observations.observe([row], at: .seconds(20))

        #expect(!observations.isFree(row, at: .seconds(20), failover: failover))
    }

    @Test func `how long a hand-off takes is known as long as it is between the same two`() {
        var observations = LeaseObservations()
        func row(_ counter: UInt64, to owner: WorkerID = "b") -> LeaseRow {
            .shard(0, owner: owner, checkpointOwner: "a", counter: counter)
        }
        observations.observe([row(1)], at: .seconds(2))
        observations.observe([row(2)], at: .seconds(5))
        #expect(observations.handOffTime(of: row(2), at: .seconds(7)) == .seconds(5))

        observations.observe([row(3, to: "c")], at: .seconds(9))
        #expect(observations.handOffTime(of: row(3, to: "c"), at: .seconds(10)) == .seconds(1))

        observations.observe([.shard(0, owner: "c", counter: 4)], at: .seconds(11))
        #expect(observations.handOffTime(of: .shard(0, owner: "c", counter: 4), at: .seconds(12)) == .zero)
    }

    @Test func `how long a lease could have been taken counts from its release, its end or its expiry`() {
        var observations = LeaseObservations()
        let rows = [
            LeaseRow.shard(0), .shard(1, owner: "silent"), .shard(2, owner: "ended", isOrphaned: true),
        ]
        observations.observe(rows, at: .zero)
        observations.observe(rows, at: .seconds(12))

        let times = rows.map { observations.freeTime(of: $0, at: .seconds(12), failover: failover) }
        #expect(times == [.seconds(12), .seconds(2), .seconds(12)])
    }

    @Test func `a worker whose machine stood still gives the others their time again`() {
        var observations = LeaseObservations(longestGap: .seconds(30))
        let row = LeaseRow.shard(0, owner: "other")
        observations.observe([row], at: .zero)

        observations.observe([row], at: .seconds(31))

        #expect(!observations.isFree(row, at: .seconds(40), failover: failover))
        #expect(observations.isFree(row, at: .seconds(41), failover: failover))
    }
}
