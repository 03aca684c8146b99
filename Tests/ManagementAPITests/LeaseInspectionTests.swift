import Coordination
import Foundation
import ManagementAPI
import StreamCore
import TestSupport
import Testing

@Suite struct LeaseInspectionTests {
    private static let orders: MappingID = "00000000-0000-0000-0000-000000000001"
    private static let alerts: MappingID = "00000000-0000-0000-0000-000000000002"

    private let clock = TestClock()
    private let store = MemoryLeaseStore()
    private let workers = MemoryWorkerStore()

    private func makeInspection(
        of mappings: [StoreLeaseInspection.Mapping] = [.named("orders", Self.orders)],
        workers other: (any WorkerStore)? = nil
    ) -> StoreLeaseInspection {
        StoreLeaseInspection(
            leases: store,
            workers: other ?? workers,
            mappings: { mappings },
            sights: LeaseSights(clock: clock),
            now: { Timestamp(milliseconds: 10_000) }
        )
    }

    private func held(
        _ number: Int,
        by worker: WorkerID,
        of mapping: MappingID = Self.orders
    ) async throws -> Lease {
        try await store.add([.numbered(number)], to: mapping)
        let key = LeaseKey(mapping: mapping, shard: ShardID(number: number))
        return try #require(try await store.acquire(key, seen: 0, for: worker))
    }

    // MARK: Leases

    @Test func `a lease says who has it, who waits for it, and how far it is`() async throws {
        let lease = try await held(0, by: "worker-a")
        try await store.checkpoint(lease, at: .at(42))
        _ = try await store.renew([lease], throughput: [lease.key: 3.5])
        _ = try await store.requestHandOff(lease.key, from: "worker-a", to: "worker-b")
        try await store.add([.numbered(1)], to: Self.orders)

        let leases = try await makeInspection().leases(of: nil)

        #expect(leases.map(\.lease) == ["orders/shardId-000000000000", "orders/shardId-000000000001"])
        #expect(leases.map(\.holder) == ["worker-a", nil])
        #expect(leases.map(\.nextHolder) == ["worker-b", nil])
        #expect(leases.map(\.state) == ["handing over", "free"])
        #expect(leases.map(\.checkpoint) == ["42", "TRIM_HORIZON"])
        #expect(leases.map(\.throughputKBps) == [3.5, nil])
        #expect(leases[0].why.contains("worker-b"))
    }

    @Test func `a holder that shows no life is silent, and its lease expired after the failover time`()
        async throws
    {
        let quiet = try await held(0, by: "worker-a")
        let busy = try await held(1, by: "worker-b")
        let inspection = makeInspection()
        #expect(try await inspection.leases(of: nil).map(\.state) == ["held", "held"])
        #expect(try await inspection.leases(of: nil).map(\.unchangedSeconds) == [nil, nil])

        clock.advance(by: .seconds(8))
        _ = try await store.renew([busy])
        let silent = try await inspection.leases(of: nil)
        clock.advance(by: .seconds(2))
        let expired = try await inspection.leases(of: nil)

        #expect(silent.map(\.state) == ["silent", "held"])
        #expect(silent.map(\.unchangedSeconds) == [8, nil])
        #expect(expired.map(\.state) == ["expired", "held"])
        #expect(expired[0].holder == quiet.owner.text)
    }

    @Test func `a finished shard shows no silence, as nobody renews its lease`() async throws {
        let lease = try await held(0, by: "worker-a")
        try await store.checkpoint(lease, at: .shardEnd)
        let inspection = makeInspection()
        _ = try await inspection.leases(of: nil)
        clock.advance(by: .seconds(60))

        let leases = try await inspection.leases(of: nil)

        #expect(leases.map(\.state) == ["finished"])
        #expect(leases.map(\.unchangedSeconds) == [nil])
    }

    @Test func `a child shard waits for its parent`() async throws {
        _ = try await held(0, by: "worker-a")
        try await store.add([.numbered(1, parent: 0)], to: Self.orders)

        let leases = try await makeInspection().leases(of: nil)

        #expect(leases.map(\.state) == ["held", "waits for parent"])
        #expect(leases[1].why.contains("shardId-000000000000"))
    }

    @Test func `where a function has several mappings a lease is named by its mapping`() async throws {
        _ = try await held(0, by: "worker-a")
        _ = try await held(0, by: "worker-a", of: Self.alerts)
        let mappings = [Self.orders, Self.alerts].map { StoreLeaseInspection.Mapping.named("orders", $0) }
        let inspection = makeInspection(of: mappings)

        #expect(
            try await inspection.leases(of: nil).map(\.lease) == [
                "\(Self.orders)/shardId-000000000000", "\(Self.alerts)/shardId-000000000000",
            ]
        )
        #expect(try await inspection.leases(of: Self.alerts.text).map(\.mapping) == [Self.alerts.text])
    }

    @Test func `releasing takes the lease from its holder, and answers who that was`() async throws {
        let lease = try await held(0, by: "worker-a")
        let inspection = makeInspection()

        let before = try await inspection.release(try await inspection.leases(of: nil)[0])

        #expect(before.holder == "worker-a")
        #expect(try await inspection.leases(of: nil).map(\.holder) == [nil])
        #expect(try await store.renew([lease]) == [lease.key])
    }

    @Test func `a lease that nobody holds, or that is not there, is not released`() async throws {
        let lease = try await held(0, by: "worker-a")
        let inspection = makeInspection()
        let seen = try await inspection.leases(of: nil)[0]
        try await store.release(lease)

        let unheld = await #expect(throws: InspectionRefused.self) { try await inspection.release(seen) }
        #expect(try await store.remove(lease.key, seen: 2))
        let missing = await #expect(throws: InspectionRefused.self) { try await inspection.release(seen) }

        #expect(unheld?.reason == .conflict)
        #expect(unheld?.description == "lease orders/shardId-000000000000 is held by nobody")
        #expect(missing?.reason == .notFound)
    }

    // MARK: Workers

    @Test func `workers are live, draining or silent, with what they have`() async throws {
        let leases = [try await held(0, by: "worker-a"), try await held(1, by: "worker-a")]
        _ = try await store.renew(leases, throughput: [leases[0].key: 3, leases[1].key: 1.5])
        for worker in ["worker-a", "worker-b", "worker-c"] as [WorkerID] {
            _ = try await workers.report(.of(worker, cpu: [10, 20]))
        }
        _ = try await workers.requestDrain(of: "worker-b")
        let inspection = makeInspection()
        _ = try await inspection.workers()

        clock.advance(by: .seconds(10))
        for worker in ["worker-a", "worker-b"] as [WorkerID] { _ = try await workers.report(.of(worker)) }
        _ = try await workers.report(.of("worker-a", cpu: [10, 20]))
        let summaries = try await inspection.workers()

        #expect(summaries.map(\.state) == [.live, .draining, .silent])
        #expect(summaries.map(\.leases) == [2, 0, 0])
        #expect(summaries.map(\.throughputKBps) == [4.5, nil, nil])
        #expect(summaries[0].cpuPercent == 20)
        #expect(summaries[0].started == "2023-11-14T22:13:20Z")
    }

    @Test func `draining asks the worker, and is refused for one that is dead or not there`() async throws {
        _ = try await held(0, by: "worker-b")
        _ = try await workers.report(.of("worker-a"))

        let drained = try await makeInspection().drain("worker-a")
        let missing = await #expect(throws: InspectionRefused.self) {
            try await makeInspection().drain("worker-x")
        }
        let dead = await #expect(throws: InspectionRefused.self) {
            try await makeInspection(workers: DeadWorkers()).drain("worker-b")
        }

        #expect(drained.state == .draining)
        #expect(try await workers.report(.of("worker-a")))
        #expect(missing?.reason == .notFound)
        #expect(dead?.description == "worker worker-b is dead: its process has ended")
        #expect(dead?.hint?.contains("1 lease") == true)
    }

    @Test func `a worker of KCL's is not asked to drain`() async throws {
        let inspection = makeInspection(workers: ForeignWorkers())

        let refused = await #expect(throws: InspectionRefused.self) { try await inspection.drain("java") }

        #expect(refused?.reason == .conflict)
        #expect(refused?.description == "worker java is one of KCL's and takes no such request")
    }

    // MARK: Watching

    @Test func `watching ends as soon as every worker and holder has shown life`() async throws {
        let lease = try await held(0, by: "worker-a")
        _ = try await workers.report(.of("worker-a"))
        let inspection = makeInspection()

        async let watching: Void = inspection.watch(on: clock)
        await clock.waitForSleepers()
        _ = try await store.renew([lease])
        _ = try await workers.report(.of("worker-a"))
        clock.advance(by: .seconds(1))
        try await watching

        #expect(try await inspection.leases(of: nil).map(\.state) == ["held"])
        #expect(try await inspection.workers().map(\.state) == [.live])
    }

    @Test func `whoever shows no life while watched for the failover time is told as such`() async throws {
        _ = try await held(0, by: "worker-a")
        _ = try await workers.report(.of("worker-a"))
        let inspection = makeInspection()

        async let watching: Void = inspection.watch(on: clock)
        for _ in 0..<10 {
            await clock.waitForSleepers()
            clock.advance(by: .seconds(1))
        }
        try await watching

        #expect(try await inspection.leases(of: nil).map(\.state) == ["expired"])
        #expect(try await inspection.workers().map(\.state) == [.silent])
    }

    @Test func `where nobody is there is nothing to watch`() async throws {
        try await store.add([.numbered(1)], to: Self.orders)
        let inspection = makeInspection()

        try await inspection.watch(on: clock)

        #expect(try await inspection.leases(of: nil).map(\.state) == ["free"])
    }

    // MARK: Calls

    @Test(arguments: [
        ("GET", "leases", [:], 200), ("GET", "leases", ["mapping": Self.orders.text], 200),
        ("GET", "leases", ["mapping": Self.alerts.text], 404), ("GET", "leases", ["shard": "1"], 400),
        ("POST", "leases/\(Self.orders)/shardId-000000000000/release", [:], 200),
        ("POST", "leases/\(Self.orders)/shardId-000000000001/release", [:], 409),
        ("POST", "leases/\(Self.orders)/shardId-000000000404/release", [:], 404),
        ("GET", "leases/\(Self.orders)/shardId-000000000000/release", [:], 404), ("GET", "workers", [:], 200),
        ("POST", "workers/host%20%3A1/drain", [:], 202), ("POST", "workers/nobody/drain", [:], 404),
        ("DELETE", "workers/nobody", [:], 404),
    ])
    func `calls answer with the status that fits`(
        method: String,
        path: String,
        query: [String: String],
        status: Int
    ) async throws {
        _ = try await held(0, by: "worker-a")
        try await store.add([.numbered(1)], to: Self.orders)
        _ = try await workers.report(.of("host :1"))
        let service = Self.makeService(makeInspection())

        let answer = await service.handle(
            method: method,
            path: ManagementService.root + path,
            query: query,
            body: Data()
        )

        #expect(answer.status == status)
        if status >= 400 {
            #expect(try JSONDecoder().decode(ErrorAnswer.self, from: answer.body).errors.count == 1)
        }
    }

    @Test func `a host without leases says so`() async {
        let service = Self.makeService(nil)

        for path in ["leases", "workers"] {
            let answer = await service.handle(
                method: "GET",
                path: ManagementService.root + path,
                body: Data()
            )
            #expect(answer.status == 501)
        }
    }

    private static func makeService(_ inspection: (any LeaseInspection)?) -> ManagementService {
        let host = ManagedHost(
            functions: { [] },
            register: { _ in throw RegistrationRefused(reasons: ["not in this test"]) },
            remove: { _ in false },
            processes: { _ in HandlerReport() },
            leases: { _ in [] },
            mappingState: { _ in "enabled" },
            inspection: inspection
        )
        return ManagementService(host: host, statuses: ShardStatuses(), now: { Timestamp(milliseconds: 0) })
    }
}

/// One worker, whose process has ended.
private struct DeadWorkers: WorkerStore {
    func report(_ report: WorkerReport) async throws -> Bool { false }

    func workers() async throws -> [WorkerRow] {
        [WorkerRow(report: .of("worker-b"), counter: 1, isDead: true)]
    }

    func requestDrain(of worker: WorkerID) async throws -> Bool { true }
    func removeWorker(_ worker: WorkerID) async throws {}
}

/// One worker, of KCL's.
private struct ForeignWorkers: WorkerStore {
    func report(_ report: WorkerReport) async throws -> Bool { false }

    func workers() async throws -> [WorkerRow] {
        let report = WorkerReport(
            worker: "java",
            host: "",
            processID: 0,
            started: Timestamp(milliseconds: 1_700_000_000_123)
        )
        return [WorkerRow(report: report, counter: 1)]
    }

    func requestDrain(of worker: WorkerID) async throws -> Bool { false }
    func removeWorker(_ worker: WorkerID) async throws {}
}

extension StoreLeaseInspection.Mapping {
    fileprivate static func named(_ function: String, _ id: MappingID) -> Self {
        Self(id: id, function: function, stream: "first")
    }
}

extension NewLease {
    fileprivate static func numbered(_ number: Int, parent: Int? = nil) -> NewLease {
        NewLease(
            shard: Shard(
                id: ShardID(number: number),
                hashKeyRange: HashKeyRange(start: 0, end: .max),
                parent: parent.map(ShardID.init(number:)),
                startingSequenceNumber: .zero
            ),
            checkpoint: .start(.trimHorizon)
        )
    }
}

extension WorkerReport {
    fileprivate static func of(_ worker: WorkerID, cpu: [Double] = []) -> WorkerReport {
        WorkerReport(
            worker: worker,
            host: "host-1",
            processID: 17,
            started: Timestamp(milliseconds: 1_700_000_000_123),
            cpu: cpu
        )
    }
}
