import Coordination
import StreamCore
import Testing

struct WorkerObservationsTests {
    private func row(_ counter: UInt64, isDead: Bool = false) -> WorkerRow {
        let report = WorkerReport(
            worker: "other",
            host: "test",
            processID: 1,
            started: Timestamp(milliseconds: 0)
        )
        return WorkerRow(report: report, counter: counter, isDead: isDead)
    }

    @Test(arguments: [
        (counters: [1, 1], seconds: [0, 9], isAlive: true),
        (counters: [1, 1], seconds: [0, 10], isAlive: false),
        (counters: [1, 2], seconds: [0, 100], isAlive: true), (counters: [7], seconds: [1000], isAlive: true),
        (counters: [1, 2, 2], seconds: [0, 9, 18], isAlive: true),
    ])
    func `a worker lives as long as its counter grows within the failover time`(
        counters: [UInt64],
        seconds: [Int],
        isAlive: Bool
    ) {
        var observations = WorkerObservations()
        for (counter, second) in zip(counters, seconds) {
            observations.observe([row(counter)], at: .seconds(second))
        }

        let last = row(counters[counters.count - 1])
        let now = Duration.seconds(seconds[seconds.count - 1])
        #expect(observations.isAlive(last, at: now, failover: .seconds(10)) == isAlive)
        #expect(!observations.isRemovable(last, at: now))
    }

    @Test func `a worker whose process has ended is dead at once, and its row of no use`() {
        var observations = WorkerObservations()
        observations.observe([row(1, isDead: true)], at: .zero)

        #expect(!observations.isAlive(row(1, isDead: true), at: .zero, failover: .seconds(10)))
        #expect(observations.isRemovable(row(1, isDead: true), at: .zero))
    }

    @Test func `the row of a silent worker is of no use after a day`() {
        var observations = WorkerObservations()
        observations.observe([row(1)], at: .zero)
        observations.observe([row(1)], at: .seconds(86_399))

        #expect(!observations.isRemovable(row(1), at: .seconds(86_399)))
        #expect(observations.isRemovable(row(1), at: .seconds(86_400)))
    }
}
