import Coordination
import Glibc
import Logging
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct WorkerRosterTests {
    @Test func `a worker that is asked to drain gives its leases up, and its row goes`() async throws {
        try await withFleet(shards: 4) { fleet in
            _ = fleet.start("a", reports: true)
            let second = fleet.start("b", reports: true)
            _ = try await fleet.passUntil {
                try await fleet.isAtRest(["a": 2, "b": 2])
            }

            #expect(try await fleet.workers.requestDrain(of: "b"))
            let time = try await fleet.passUntil { try await fleet.shares() == ["a": 4] }
            try await second.ended()

            #expect(try #require(time) <= .seconds(10))
            #expect(try await fleet.workers.workers().map(\.worker) == ["a"])
        }
    }

    @Test func `the leases of a dead worker move within the failover time and one renewal`() async throws {
        try await withFleet(shards: 9) { fleet in
            let workers = ["a", "b", "c"].map { fleet.start($0, reports: true) }
            _ = try await fleet.passUntil {
                try await fleet.isAtRest(["a": 3, "b": 3, "c": 3])
            }

            await workers[2].kill()
            let time = try await fleet.passUntil { try await fleet.shares()["c"] == nil }

            // And what the steps of the test's clock add.
            #expect(try #require(time) <= .seconds(13.5))
            #expect(try await Set(fleet.shares().values) == [4, 5])
        }
    }

    @Test func `a worker's use of CPU time is reported as means of 30 s, and its row removed at the end`()
        async throws
    {
        let (clock, store) = (TestClock(), MemoryWorkerStore())
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let used = Mutex(Duration.zero)
        let heartbeat = WorkerHeartbeat(
            roster: WorkerRoster(worker: "a", store: store, clock: clock, logger: logger),
            store: store,
            identity: WorkerReport(
                worker: "a",
                host: "test",
                processID: 1,
                started: Timestamp(milliseconds: 0)
            ),
            clock: clock,
            logger: logger,
            readCPU: { CPUReading(used: used.withLock(\.self), cpus: 2) }
        )
        let end = DrainSignal()
        async let beating: Void = heartbeat.run(drain: DrainSignal(), until: end)

        for _ in 0..<40 {
            await clock.waitForSleepers()
            // Half of one of two CPUs.
            used.withLock { $0 += .seconds(0.5) }
            clock.advance(by: .seconds(1))
        }
        await clock.waitForSleepers()

        let row = try #require(try await store.workers().first)
        #expect(row.report.cpu.count == 1)
        #expect(row.report.cpu.allSatisfy { $0 > 22 && $0 < 28 })
        end.request()
        await beating
        #expect(try await store.workers().isEmpty)
    }

    @Test func `the row of a worker without a sign of life is removed after a day`() async throws {
        try await withFleet { fleet in
            let report = WorkerReport(worker: "gone", host: "test", processID: 2, started: fleet.log.now)
            _ = try await fleet.workers.report(report)
            _ = fleet.start("a", reports: true)
            await fleet.settle()
            #expect(try await fleet.workers.workers().count == 2)

            fleet.clock.advance(by: WorkerObservations.retention)

            _ = try await fleet.passUntil {
                try await fleet.workers.workers().map(\.worker) == ["a"]
            }
            #expect(try await fleet.workers.workers().map(\.worker) == ["a"])
        }
    }

    @Test func `the CPU time of this process and its children can be read`() throws {
        let first = try #require(CPUReading.ofProcessTree())
        var sum = 0
        for number in 0..<3_000_000 { sum &+= number }
        var own = rusage()
        #expect(getrusage(RUSAGE_SELF.rawValue, &own) == 0 && sum > 0)
        let second = try #require(CPUReading.ofProcessTree())

        // Less than before may be known of children, which other tests start and end; of this process never. The kernel
        // tells its two kinds of time in hundredths of a second.
        let used = [own.ru_utime, own.ru_stime].map { time in
            Duration.seconds(time.tv_sec) + .microseconds(time.tv_usec)
        }
        #expect(second.used >= used[0] + used[1] - .milliseconds(20))
        #expect(second.used > .zero && first.cpus > 0)
        #expect((0...100).contains(second.percent(since: first, over: .seconds(1))))
    }
}
