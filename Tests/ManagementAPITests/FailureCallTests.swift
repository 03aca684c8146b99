import Coordination
import Foundation
import ManagementAPI
import StreamCore
import TestSupport
import Testing

@Suite struct FailureCallTests {
    private let store = MemoryFailureStore()
    private let queue = FailureTarget.queue(arn: "arn:aws:sqs:us-east-1:000000000000:failed")
    private let mapping: MappingID = "6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b"
    private let other: MappingID = "00000000-3b9a-4a6b-8a1f-1c2d3e4f5a6b"

    @Test func `failures are listed the last first, without their events`() async throws {
        store.add([failure("a", of: mapping, to: queue), failure("b", of: other, to: nil)])
        try await store.notePostponed("a", until: Timestamp(milliseconds: 9_000), error: "queue is gone")

        let listed = try await list([:])

        #expect(listed.map(\.failure) == ["b", "a"])
        #expect(listed.map(\.payload) == [nil, nil])
        let first = try #require(listed.last)
        #expect(first.condition == "RetryAttemptsExhausted")
        #expect(first.error == "ValueError: no")
        #expect(first.records == 2)
        #expect(first.invocations == 4)
        #expect(first.time == "1970-01-01T00:00:05Z")
        #expect(first.delivery.state == .waiting)
        #expect(first.delivery.destination == queue.text)
        #expect(first.delivery.nextAttempt == "1970-01-01T00:00:09Z")
        #expect(first.delivery.lastError == "queue is gone")
        #expect("\(first.delivery)" == "waiting after 1 failed try")
        #expect(listed.first?.delivery.state == .kept)
    }

    @Test func `a mapping's failures are listed by themselves, and no more than asked for`() async throws {
        store.add((0..<5).map { failure("\($0)", of: $0 == 2 ? other : mapping, to: nil) })

        #expect(try await list(["mapping": other.text]).map(\.failure) == ["2"])
        #expect(try await list(["mapping": mapping.text, "limit": "2"]).map(\.failure) == ["4", "3"])
    }

    @Test func `one failure comes with its event`() async throws {
        store.add([failure("a", of: mapping, to: queue)])
        try await store.noteDelivered("a", at: Timestamp(milliseconds: 7_000))

        let answer = await service.handle(method: "GET", path: "/millrace/v1/failures/a", body: Data())

        #expect(answer.status == 200)
        let summary = try JSONDecoder().decode(FailureSummary.self, from: answer.body)
        #expect(summary.payload == #"{"Records":[]}"#)
        #expect(summary.delivery.deliveredAt == "1970-01-01T00:00:07Z")
        #expect(summary.delivery.attempts == 1)
    }

    @Test(
        arguments: [
            ("failures", ["limit": "0"], 400), ("failures", ["limit": "1001"], 400),
            ("failures", ["limit": "many"], 400), ("failures", ["mapping": "flights"], 400),
            ("failures", ["shard": "1"], 400), ("failures", ["limit": "1000"], 200),
            ("failures/nobody", [:], 404),
        ] as [(String, [String: String], Int)]
    )
    func `calls answer with the status that fits`(path: String, query: [String: String], status: Int) async {
        let answer = await service.handle(
            method: "GET",
            path: "/millrace/v1/\(path)",
            query: query,
            body: Data()
        )

        #expect(answer.status == status)
    }

    private func list(_ query: [String: String]) async throws -> [FailureSummary] {
        let answer = await service.handle(
            method: "GET",
            path: "/millrace/v1/failures",
            query: query,
            body: Data()
        )
        return try JSONDecoder().decode([FailureSummary].self, from: answer.body)
    }

    private var service: ManagementService {
        let host = ManagedHost(
            functions: { [] },
            register: { _ in throw RegistrationRefused(reasons: ["not in this test"]) },
            remove: { _ in false },
            processes: { _ in HandlerReport() },
            leases: { _ in [] },
            mappingState: { _ in "enabled" },
            failures: ManagedFailures(of: store)
        )
        return ManagementService(
            host: host,
            statuses: ShardStatuses(),
            now: { Timestamp(milliseconds: 10_000) }
        )
    }

    private func failure(_ id: String, of mapping: MappingID, to target: FailureTarget?) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: mapping,
            shard: ShardID(number: 3),
            streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:counts",
            condition: .retryAttemptsExhausted,
            invokeCount: 4,
            requestID: "request",
            response: BatchFailure.Response(
                executedVersion: "$LATEST",
                functionError: "Unhandled",
                reason: "ValueError: no"
            ),
            records: BatchFailure.Records(
                count: 2,
                first: 17,
                last: 18,
                firstArrival: Timestamp(milliseconds: 1_000),
                lastArrival: Timestamp(milliseconds: 2_000)
            ),
            time: Timestamp(milliseconds: 5_000),
            event: Array(#"{"Records":[]}"#.utf8),
            logTail: "START\n",
            target: target
        )
    }
}
