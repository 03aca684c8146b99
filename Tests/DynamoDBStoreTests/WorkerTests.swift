import Contracts
import StreamCore
import TestSupport
import Testing

@testable import DynamoDBStore

struct WorkerTests {
    @Test(arguments: WorkerStoreContract.rules)
    func `workers in DynamoDB keep the contract of worker stores`(
        rule: ContractRule<WorkerStoreContract.Subject>
    ) async throws {
        let application = try await DynamoDB.application()

        try await rule.check(WorkerStoreContract.Subject(store: DynamoDBWorkerStore(application)))
    }

    @Test func `who only looks finds what an application reads, and makes nothing where there is none`()
        async throws
    {
        let application = try await DynamoDB.application()
        let now = { @Sendable in Timestamp.present }
        let find = { name in
            try await FoundApplication(name, client: application.client, clock: ContinuousClock(), now: now)
        }

        let found = try #require(try await find(application.name))
        let missing = try await find(application.name + "-x")

        #expect(found.application.mapping == application.mapping)
        #expect(found.function == "counts")
        #expect(found.stream == "flights")
        #expect(missing == nil)
    }

    @Test func `workers report to KCL's leader as well, in its words`() async throws {
        let clock = WallClock(Timestamp(milliseconds: 1_795_644_800_123))
        let application = try await DynamoDB.application(now: { clock.now })
        try await application.makeKCLTables()
        let store = DynamoDBWorkerStore(application)

        _ = try await store.report(.named("worker-a", cpu: [12.5, 50]))
        _ = try await store.report(.named("worker-b"))

        let expected: Item = [
            "wid": .string("worker-a"), "lut": .number("1795644800"),
            "sts": .map(["C": .list([.number("12.5"), .number("50.0")])]),
            "opr": .map(["C": .list([.number("100")])]),
        ]
        let item = try #require(try await application.metrics("worker-a"))
        #expect(item.filter { $0.key != "sts" } == expected.filter { $0.key != "sts" })
        #expect(item["sts"]?.map?["C"]?.list?.compactMap(\.double) == [12.5, 50])
        #expect(try await application.metrics("worker-b")?["sts"] == .map([:]))
        // One that drains is to get no lease any more.
        _ = try await store.report(.named("worker-a", isDraining: true))
        #expect(try await application.metrics("worker-a") == nil)
        try await store.removeWorker("worker-b")
        #expect(try await application.metrics("worker-b") == nil)
    }

    @Test func `live workers of KCL are listed with ours, and their counters grow`() async throws {
        let clock = WallClock(Timestamp(milliseconds: 1_795_644_830_000))
        let application = try await DynamoDB.application(now: { clock.now })
        try await application.makeKCLTables()
        try await application.reportAsKCL("java", at: 1_795_644_800, cpu: ["10", "-1", "20"])
        let store = DynamoDBWorkerStore(application)
        _ = try await store.report(.named("worker-a"))

        let first = try await store.workers()
        let second = try await store.workers()

        #expect(first.map(\.worker) == ["java", "worker-a"])
        #expect(first[0].report.cpu == [10, 20])
        #expect(second[0].counter > first[0].counter)
        clock.set(clock.now.advanced(byMilliseconds: 31_000))
        #expect(try await store.workers().map(\.worker) == ["worker-a"])
        #expect(try await !store.requestDrain(of: "java"))
    }

    @Test func `workers of KCL that keeps everything in one table are found there, and told of ours`()
        async throws
    {
        let clock = WallClock(Timestamp(milliseconds: 1_795_644_830_000))
        let application = try await DynamoDB.application(now: { clock.now })
        let java: Item = [
            "leaseKey": .string("java"), "entityType": .string("WORKER_METRIC_STATS"),
            "lut": .number("1795644820"), "sts": .map([:]), "opr": .map([:]),
        ]
        try await application.client.put(ItemPut(TableName: application.leaseTable, Item: java))
        let store = DynamoDBWorkerStore(application)

        #expect(try await store.workers().map(\.worker) == ["java"])
        _ = try await store.report(.named("worker-a"))

        #expect(try await store.workers().map(\.worker) == ["java", "worker-a"])
        let key: Item = ["leaseKey": .string("worker-a")]
        let ours = try await application.client.item(key, in: application.leaseTable)
        #expect(ours?["entityType"] == .string("WORKER_METRIC_STATS"))
        #expect(ours?["lut"] == .number("1795644830"))
    }

    @Test func `a leader of KCL lives while the version of its lock changes`() async throws {
        let clock = TestClock()
        let application = try await DynamoDB.application(clock: clock)
        let leader = KCLLeader(application)
        #expect(try await leader.leader() == nil)
        try await application.makeKCLTables()
        #expect(try await leader.leader() == nil)

        try await application.lockAsKCL("java", version: "1")
        #expect(try await leader.leader() == "java")
        clock.advance(by: .seconds(119))
        #expect(try await leader.leader() == "java")
        try await application.lockAsKCL("java", version: "2")
        clock.advance(by: .seconds(2))
        #expect(try await leader.leader() == "java")
        clock.advance(by: .seconds(120))
        #expect(try await leader.leader() == nil)
        try await application.lockAsKCL("other", version: "3")
        #expect(try await leader.leader() == "other")
    }
}

extension WorkerReport {
    static func named(_ worker: WorkerID, cpu: [Double] = [], isDraining: Bool = false) -> WorkerReport {
        WorkerReport(
            worker: worker,
            host: "host",
            processID: 7,
            started: Timestamp(milliseconds: 1),
            cpu: cpu,
            isDraining: isDraining
        )
    }
}

extension DynamoDBApplication {
    /// As KCL 3.1.3 makes them.
    func makeKCLTables() async throws {
        for (table, key) in [(metricsTable, "wid"), (coordinatorTable, "key")] {
            let creation = TableCreation(
                TableName: table,
                KeySchema: .keys(key),
                AttributeDefinitions: [TableCreation.Attribute(AttributeName: key)]
            )
            try await client.call("CreateTable", of: table, creation)
        }
    }

    func metrics(_ worker: WorkerID) async throws -> Item? {
        try await client.item(["wid": .string(worker.text)], in: metricsTable)
    }

    func reportAsKCL(_ worker: WorkerID, at seconds: Int64, cpu: [String]) async throws {
        let item: Item = [
            "wid": .string(worker.text), "lut": .number(seconds),
            "sts": .map(["C": .list(cpu.map { .number($0) })]), "opr": .map(["C": .list([.number("100")])]),
        ]
        try await client.put(ItemPut(TableName: metricsTable, Item: item))
    }

    func lockAsKCL(_ worker: WorkerID, version: String) async throws {
        let item: Item = [
            "key": .string("Leader"), "ownerName": .string(worker.text),
            "recordVersionNumber": .string(version), "leaseDuration": .string("120000"),
        ]
        try await client.put(ItemPut(TableName: coordinatorTable, Item: item))
    }
}
