import Coordination
import Delivery
import Foundation
import ManagementAPI
import StreamCore
import Testing

@Suite struct ManagementServiceTests {
    private let mapping = EventSourceMapping(
        id: "6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b",
        function: "counts",
        source: EventSource(stream: "flights", startingPosition: .trimHorizon, batchSize: 10)
    )

    @Test func `a checkpoint names its function, stream, shard and what is going on there`() async throws {
        let statuses = ShardStatuses()
        let key = LeaseKey(mapping: mapping.id, shard: "shardId-000000000000")
        let status = statuses.status(of: key, from: .start(.trimHorizon))
        status.update { report in
            report.activity = .retrying(failures: 3, error: "boom", delay: .seconds(2))
            report.lastError = "boom"
            report.records = 20
            report.batches = 2
            report.oldestPending = Timestamp(milliseconds: 4_000)
        }
        let row = LeaseRow(key: key, owner: "worker-a", counter: 5, checkpoint: .at(42), parents: [])
        let service = makeService(leases: [row], statuses: statuses)

        let answer = await service.handle(method: "GET", path: "/millrace/v1/checkpoints", body: Data())

        #expect(answer.status == 200)
        let entry = try #require(JSONDecoder().decode([CheckpointSummary].self, from: answer.body).first)
        #expect(entry.function == "counts")
        #expect(entry.stream == "flights")
        #expect(entry.shard == "shardId-000000000000")
        #expect(entry.checkpoint == "42")
        #expect(entry.owner == "worker-a")
        #expect(entry.iteratorAgeMilliseconds == 6_000)
        #expect(entry.records == 20)
        #expect(entry.batches == 2)
        #expect(entry.state == "retry 3 in 2 s: boom")
        #expect(entry.lastError == "boom")
        #expect(entry.events == nil)
        let shown = await service.handle(method: "GET", path: "/millrace/v1/functions/counts", body: Data())
        let function = try JSONDecoder().decode(FunctionSummary.self, from: shown.body)
        #expect(function.state == "failing")
        #expect(function.lastError == "boom")
    }

    @Test func `a shard has its event counts when the mapping asks for them`() async throws {
        var source = mapping.source
        source.metrics = ["EventCount"]
        let counting = EventSourceMapping(id: mapping.id, function: mapping.function, source: source)
        let statuses = ShardStatuses()
        let key = LeaseKey(mapping: mapping.id, shard: "shardId-000000000000")
        statuses.status(of: key, from: .start(.trimHorizon)).update { report in
            report.events.polled = 9
            report.events.filteredOut = 4
            report.events.givenUp = 1
            report.events.delivered = 1
        }
        let row = LeaseRow(key: key, owner: "worker-a", counter: 5, checkpoint: .at(42), parents: [])
        let service = makeService(of: counting, leases: [row], statuses: statuses)

        let answer = await service.handle(method: "GET", path: "/millrace/v1/checkpoints", body: Data())

        let entry = try #require(JSONDecoder().decode([CheckpointSummary].self, from: answer.body).first)
        let expected = EventCountSummary(
            polled: 9,
            filteredOut: 4,
            invoked: 0,
            failedInvoke: 0,
            givenUp: 1,
            delivered: 1
        )
        #expect(entry.events == expected)
    }

    @Test func `a child shard says that it waits for its parent`() async throws {
        let parent = LeaseKey(mapping: mapping.id, shard: "shardId-000000000000")
        let child = LeaseKey(mapping: mapping.id, shard: "shardId-000000000001")
        let service = makeService(leases: [
            LeaseRow(key: parent, owner: "worker-b", counter: 1, checkpoint: .at(7), parents: []),
            LeaseRow(
                key: child,
                owner: nil,
                counter: 0,
                checkpoint: .start(.trimHorizon),
                parents: [parent.shard]
            ),
        ])

        let answer = await service.handle(method: "GET", path: "/millrace/v1/checkpoints", body: Data())

        let states = try JSONDecoder().decode([CheckpointSummary].self, from: answer.body).map(\.state)
        #expect(states == ["owned by worker-b", "waiting until its parent shardId-000000000000 is finished"])
    }

    @Test func `a refused registration answers every reason`() async throws {
        let service = makeService(register: { _ in
            throw RegistrationRefused(reasons: ["f/function.yaml:3:1: first", "f/function.yaml:4:1: second"])
        })
        let body = try JSONEncoder().encode(RegisterRequest(directory: "/f"))

        let answer = await service.handle(method: "POST", path: "/millrace/v1/functions", body: body)

        #expect(answer.status == 400)
        let refusal = try JSONDecoder().decode(ErrorAnswer.self, from: answer.body)
        #expect(refusal.errors == ["f/function.yaml:3:1: first", "f/function.yaml:4:1: second"])
    }

    @Test func `a template answers its functions, its streams and what was left out`() async throws {
        let service = makeService(registerTemplate: { request in
            RegisteredTemplate(
                functions: [],
                streams: [
                    StreamPlan(name: request.stackName, shardCount: 2, retentionHours: nil, tags: [:])
                ],
                leftOut: ["\(request.template):3:1: Policies has no effect here"]
            )
        })
        let request = TemplateRequest(
            template: "/t.yaml",
            parameters: [:],
            stackName: "ours",
            skipsUnsupported: false
        )

        let answer = await service.handle(
            method: "POST",
            path: "/millrace/v1/functions",
            body: try JSONEncoder().encode(request)
        )

        #expect(answer.status == 201)
        let summary = try JSONDecoder().decode(TemplateSummary.self, from: answer.body)
        #expect(summary.streams.map(\.name) == ["ours"])
        #expect(summary.leftOut == ["/t.yaml:3:1: Policies has no effect here"])
    }

    @Test(arguments: [
        ("GET", "/millrace/v1/functions/nobody", 404), ("DELETE", "/millrace/v1/functions/nobody", 404),
        ("DELETE", "/millrace/v1/functions/counts", 204), ("GET", "/millrace/v1/functions/counts", 200),
        ("GET", "/millrace/v1/mappings", 200), ("GET", "/millrace/v1/nonsense", 404),
        ("PUT", "/millrace/v1/functions", 404), ("POST", "/millrace/v1/functions", 400),
    ])
    func `calls answer with the status that fits`(method: String, path: String, status: Int) async {
        let service = makeService()

        let answer = await service.handle(method: method, path: path, body: Data())

        #expect(answer.status == status)
    }

    private func makeService(
        of other: EventSourceMapping? = nil,
        leases: [LeaseRow] = [],
        statuses: ShardStatuses = ShardStatuses(),
        register: @escaping @Sendable (String) async throws -> RegisteredFunction = { _ in
            throw RegistrationRefused(reasons: ["not in this test"])
        },
        registerTemplate: @escaping @Sendable (TemplateRequest) async throws -> RegisteredTemplate = { _ in
            throw RegistrationRefused(reasons: ["not in this test"])
        }
    ) -> ManagementService {
        let function = RegisteredFunction(
            definition: FunctionDefinition(
                name: "counts",
                runtime: .swiftPlugin,
                handler: "Counts",
                codeDirectory: "/functions/counts",
                eventSources: [mapping.source]
            ),
            lastModified: Timestamp(milliseconds: 0),
            mappings: [other ?? mapping]
        )
        let host = ManagedHost(
            functions: { [function] },
            register: register,
            registerTemplate: registerTemplate,
            remove: { $0 == "counts" },
            processes: { _ in HandlerReport() },
            leases: { _ in leases },
            mappingState: { _ in "enabled" }
        )
        return ManagementService(host: host, statuses: statuses, now: { Timestamp(milliseconds: 10_000) })
    }
}
