import AWSClient
import Foundation
import StreamCore
import TestSupport
import Testing

@testable import DynamoDBStore

/// The real Kinesis Client Library for Java on the same application name.
///
/// Takes minutes, as its leader plans each 20 seconds.
@Suite(.timeLimit(.minutes(20)))
struct JavaWorkerTests {
    @Test func `a Java worker and ours hand leases to each other and take them from the dead`() async throws {
        try await withTemporaryDirectory { directory in
            try await shareApplication(logsIn: URL(fileURLWithPath: directory))
        }
    }

    private func shareApplication(logsIn directory: URL) async throws {
        let url = try await DynamoDB.url()
        let application = try await DynamoDB.application()
        let stream = try await TestStream(shards: 4, at: url)
        try await stream.put(records: 400)
        let store = application.store
        let workers = DynamoDBWorkerStore(application)
        let ours = WorkerID(unchecked: "millrace-\(UUID().uuidString)")
        let shards = HashKeyRange.even(count: 4).enumerated().map { index, range in
            Shard(id: ShardID(number: index), hashKeyRange: range, startingSequenceNumber: .zero)
        }
        try await store.add(
            shards.map { NewLease(shard: $0, checkpoint: .start(.trimHorizon)) },
            to: application.mapping
        )
        let java = try JavaWorker(of: application.name, stream: stream.name, endpoint: url, in: directory)
        defer { java.kill() }

        step("it takes the leases that were made here, and its checkpoints are read")
        let rows = try await eventually {
            let rows = try await store.leases(of: application.mapping)
            return rows.allSatisfy { $0.owner != nil && $0.checkpoint > .start(.latest) } ? rows : nil
        }
        let javaID = try #require(rows[0].owner)
        #expect(Set(rows.map(\.owner)) == [javaID])
        #expect(try await KCLLeader(application).leader() == javaID)
        // One that has been held up for half a minute is not listed until it reports itself again.
        _ = try await eventually { try await workers.workers().map(\.worker) == [javaID] ? true : nil }

        step("it hands a lease over gracefully when it is asked")
        _ = try await workers.report(.named(ours))
        let first = try await eventually { () -> Lease? in
            let row = try await store.row(0)
            if row.owner == ours, row.checkpointOwner == nil {
                return try await store.acquire(row.key, seen: row.counter, for: ours)
            }
            if row.checkpointOwner == nil {
                _ = try await store.requestHandOff(row.key, from: javaID, to: ours)
            }
            return nil
        }
        _ = try await eventually {
            java.events.contains { $0.prefix(2) == ["asked", "shardId-000000000000"] } ? true : nil
        }

        step("it goes on at our checkpoint when we hand the lease back")
        let number = try await keeping(first, of: store, for: ours) { lease in
            let number = try await stream.put(into: shards[0])
            try await store.checkpoint(lease, at: .at(try #require(SequenceNumber(number))))
            guard try await store.requestHandOff(lease.key, from: ours, to: javaID) else {
                throw LeaseLost(key: lease.key)
            }
            guard try await store.renew([lease]).isEmpty else { throw LeaseLost(key: lease.key) }
            try await store.release(lease)
            return number
        }
        _ = try await eventually {
            java.events.contains(["initialized", "shardId-000000000000", number]) ? true : nil
        }
        let next = try await stream.put(into: shards[0])
        _ = try await eventually {
            java.events.contains(["record", "shardId-000000000000", next]) ? true : nil
        }
        #expect(!java.events.contains(["record", "shardId-000000000000", number]))

        step("its leader assigns a free lease to us, as we report ourselves")
        let second = try await eventually { () -> Lease? in
            _ = try await workers.report(.named(ours))
            let row = try await store.row(1)
            if row.owner == ours, row.checkpointOwner == nil {
                return try await store.acquire(row.key, seen: row.counter, for: ours)
            }
            if row.owner == javaID { _ = try await store.free(row.key, seen: row.counter) }
            return nil
        }

        step("it takes the lease at our checkpoint when we no longer renew it")
        let (lost, last) = try await keeping(second, of: store, for: ours) { lease in
            let last = try await stream.put(into: shards[1])
            try await store.checkpoint(lease, at: .at(try #require(SequenceNumber(last))))
            return (lease, last)
        }
        try await workers.removeWorker(ours)
        _ = try await eventually {
            java.events.contains(["initialized", "shardId-000000000001", last]) ? true : nil
        }
        await #expect(throws: LeaseLost.self) { try await store.checkpoint(lost, at: .shardEnd) }

        step("its leases are taken at its checkpoints when it is killed")
        let settled = try await eventually {
            let rows = try await store.leases(of: application.mapping)
            return rows.allSatisfy { $0.owner == javaID && $0.checkpointOwner == nil } ? rows : nil
        }
        java.kill()
        let dead = try await store.leases(of: application.mapping)
        for row in dead {
            let lease = try #require(try await store.acquire(row.key, seen: row.counter, for: ours))
            #expect(try await store.renew([lease]).isEmpty)
        }
        for (before, after) in zip(settled, try await store.leases(of: application.mapping)) {
            #expect(after.owner == ours)
            #expect(after.checkpoint >= before.checkpoint)
        }
    }

    /// Does something under a lease of ours, from the start again when it was lost meanwhile: Java takes the leases of
    /// whoever is held up for ten seconds.
    private func keeping<Value>(
        _ lease: Lease,
        of store: DynamoDBLeaseStore,
        for worker: WorkerID,
        _ body: (Lease) async throws -> Value
    ) async throws -> Value {
        var lease = lease
        while true {
            do { return try await body(lease) } catch is LeaseLost {
                let row = try await store.leases(of: lease.key.mapping).first { $0.key == lease.key }
                let counter = try #require(row).counter
                lease = try await store.acquire(lease.key, seen: counter, for: worker) ?? lease
            }
        }
    }

    private func step(_ text: String) { print("\(Date()) \(text)") }

    /// Asks each second until there is an answer, or the test's time is over.
    private func eventually<Value>(_ find: () async throws -> Value?) async throws -> Value {
        while true {
            if let value = try await find() { return value }
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// A stream of the service that a test reads from Java.
private struct TestStream {
    let name = "stream-\(UUID().uuidString)"
    private let kinesis: AWSService

    init(shards: Int, at url: String) async throws {
        let environment = [
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
        ]
        kinesis = AWSService(
            "kinesis",
            region: "us-east-1",
            endpoint: try AWSEndpoint(of: "kinesis", region: "us-east-1", environment: environment),
            credentials: AWSCredentialSource(environment: environment, homeDirectory: "/nonexistent"),
            http: HTTPClient(limits: .patient)
        )
        _ = try await call("CreateStream", ["StreamName": name, "ShardCount": shards])
    }

    func put(records count: Int) async throws {
        let records = (0..<count).map { ["Data": "YQ==", "PartitionKey": "\($0)"] }
        _ = try await call("PutRecords", ["StreamName": name, "Records": records])
    }

    /// - Returns: The record's sequence number.
    func put(into shard: Shard) async throws -> String {
        let answer = try await call(
            "PutRecord",
            [
                "StreamName": name, "Data": "YQ==", "PartitionKey": "p",
                "ExplicitHashKey": String(shard.hashKeyRange.start),
            ]
        )
        return try #require(answer["SequenceNumber"] as? String)
    }

    private func call(_ operation: String, _ request: [String: Any]) async throws -> [String: Any] {
        let body = [UInt8](try JSONSerialization.data(withJSONObject: request))
        let answer = try await kinesis.send(
            ClientRequest(
                method: "POST",
                url: kinesis.endpoint.url + "/",
                headers: [
                    ("Content-Type", "application/x-amz-json-1.1"),
                    ("X-Amz-Target", "Kinesis_20131202.\(operation)"),
                ],
                body: body
            )
        ).body
        return try answer.isEmpty
            ? [:] : JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
    }
}
