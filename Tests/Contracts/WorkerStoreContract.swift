package import StreamCore
import Testing

/// What every `WorkerStore` does.
package enum WorkerStoreContract {
    /// A store without workers.
    package struct Subject: Sendable {
        package let store: any WorkerStore

        package init(store: any WorkerStore) {
            self.store = store
        }
    }

    package static let rules: [ContractRule<Subject>] = [
        ContractRule("a worker that reports itself is listed with all that it said") { subject in
            let report = WorkerReport.of(
                "host \"a\"-17",
                cpu: [0, 12.25, 99.5],
                started: 1_700_000_000_123,
                isDraining: true
            )

            #expect(try await subject.store.report(report) == false)

            let row = try #require(try await subject.store.workers().first)
            #expect(row.report == report)
            #expect(row.isDrainRequested == false)
            #expect(row.isDead == false)
        },
        ContractRule("each report raises the counter and stands for the one before") { subject in
            var counters: [UInt64] = []
            for load in [1.0, 2, 3] {
                _ = try await subject.store.report(.of("worker-a", cpu: [load]))
                counters.append(try #require(try await subject.store.workers().first).counter)
            }

            #expect(counters == Array(Set(counters)).sorted())
            #expect(try await subject.store.workers().map(\.report.cpu) == [[3]])
        },
        ContractRule("workers are listed in order of their names, each with its own counter") { subject in
            for worker in ["worker-c", "worker-a", "worker-b", "worker-b"] as [WorkerID] {
                _ = try await subject.store.report(.of(worker))
            }

            let rows = try await subject.store.workers()
            #expect(rows.map(\.worker) == ["worker-a", "worker-b", "worker-c"])
            #expect(rows[1].counter > rows[0].counter)
            #expect(rows[0].counter == rows[2].counter)
        },
        ContractRule("a worker that is asked to drain hears it with each report, and the others do not") {
            subject in
            for worker in ["worker-a", "worker-b"] as [WorkerID] {
                _ = try await subject.store.report(.of(worker))
            }

            #expect(try await subject.store.requestDrain(of: "worker-a"))
            #expect(try await subject.store.requestDrain(of: "worker-a"))

            #expect(try await subject.store.workers().map(\.isDrainRequested) == [true, false])
            for _ in 0..<2 { #expect(try await subject.store.report(.of("worker-a", isDraining: true))) }
            #expect(try await subject.store.report(.of("worker-b")) == false)
            #expect(try await subject.store.workers().map(\.isDrainRequested) == [true, false])
        },
        ContractRule("a worker that is not there cannot be asked to drain, and removing it changes nothing") {
            subject in
            _ = try await subject.store.report(.of("worker-a"))

            #expect(try await subject.store.requestDrain(of: "worker-b") == false)
            try await subject.store.removeWorker("worker-b")

            #expect(try await subject.store.workers().map(\.worker) == ["worker-a"])
        },
        ContractRule("a worker that was removed is gone, with what was asked of it") { subject in
            _ = try await subject.store.report(.of("worker-a"))
            _ = try await subject.store.requestDrain(of: "worker-a")

            try await subject.store.removeWorker("worker-a")
            #expect(try await subject.store.workers().isEmpty)

            #expect(try await subject.store.report(.of("worker-a")) == false)
            #expect(try await subject.store.workers().map(\.isDrainRequested) == [false])
        },
        ContractRule("workers that report at once are all there") { subject in
            let workers = (0..<32).map { WorkerID(unchecked: "worker-\($0 + 10)") }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in workers {
                    group.addTask {
                        for _ in 0..<3 { _ = try await subject.store.report(.of(worker)) }
                    }
                }
                try await group.waitForAll()
            }

            let rows = try await subject.store.workers()
            #expect(rows.map(\.worker) == workers)
            #expect(Set(rows.map(\.counter)).count == 1)
        },
    ]
}

extension WorkerReport {
    static func of(
        _ worker: WorkerID,
        cpu: [Double] = [],
        started: Int64 = 0,
        isDraining: Bool = false
    ) -> WorkerReport {
        WorkerReport(
            worker: worker,
            host: "host-1",
            processID: 17,
            started: Timestamp(milliseconds: started),
            cpu: cpu,
            isDraining: isDraining
        )
    }
}
