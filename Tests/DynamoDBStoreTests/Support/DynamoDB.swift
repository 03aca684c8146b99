import AWSClient
import Foundation
import StreamCore
import Synchronization
import TestSupport
import Testing

@testable import DynamoDBStore

/// DynamoDB in a process of its own, one for all tests: each has applications of its own in it.
///
/// It ends with this process.
enum DynamoDB {
    private static let server = Task { try await start() }
    /// Keeps the process's standard input open.
    private static let kept = Mutex<[Pipe]>([])

    static func url() async throws -> String { try await server.value }

    private static func start() async throws -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let python = tests.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent(".build/ministack/bin/python3")
        try #require(
            FileManager.default.fileExists(atPath: python.path),
            "`make test` makes \(python.path)"
        )
        let process = Process()
        let (input, output) = (Pipe.toChild(), Pipe.toChild())
        process.executableURL = python
        process.arguments = ["-B", tests.appendingPathComponent("Scripts/dynamodb.py").path]
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AWS_") }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.start()
        kept.withLock { $0.append(input) }
        let line = await firstLine(of: output.fileHandleForReading)
        let port = try #require(Int(line), "ministack did not start: \(line)")
        return "http://127.0.0.1:\(port)"
    }

    /// Waits on a thread of its own.
    private static func firstLine(of file: FileHandle) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var bytes = Data()
                while !bytes.contains(UInt8(ascii: "\n")) {
                    let chunk = file.availableData
                    if chunk.isEmpty { break }
                    bytes += chunk
                }
                let line = String(decoding: bytes, as: UTF8.self)
                continuation.resume(returning: line.trimmingCharacters(in: .newlines))
            }
        }
    }

    static func client(
        _ url: String,
        limits: HTTPClient.Limits = .patient,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws -> DynamoDBClient {
        let environment = [
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
        ]
        return DynamoDBClient(
            AWSService(
                "dynamodb",
                region: "us-east-1",
                endpoint: try AWSEndpoint(of: "dynamodb", region: "us-east-1", environment: environment),
                credentials: AWSCredentialSource(environment: environment, homeDirectory: "/nonexistent"),
                http: HTTPClient(limits: limits)
            ),
            clock: clock
        )
    }

    /// An application with its tables, of a name that no other test has.
    static func application(
        _ mapping: MappingID = .first,
        named name: String = "app-\(UUID().uuidString)",
        at url: String? = nil,
        clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Timestamp = { .present }
    ) async throws -> DynamoDBApplication {
        let address = if let url { url } else { try await Self.url() }
        let client = try client(address)
        let application = try DynamoDBApplication(
            name,
            mapping: mapping,
            client: client,
            clock: clock,
            now: now
        )
        try await application.prepare(function: "counts", stream: "flights")
        return application
    }
}

extension HTTPClient.Limits {
    /// Longer than a busy machine takes for anything: who gives a call up and makes it again counts one too many.
    static let patient = HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))
}

extension MappingID {
    static let first: MappingID = "00000000-0000-0000-0000-000000000001"
    static let second: MappingID = "00000000-0000-0000-0000-000000000002"
}

extension Timestamp {
    static var present: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }
}

extension Shard {
    init(_ number: Int, parent: Int? = nil) {
        self.init(
            id: ShardID(number: number),
            hashKeyRange: HashKeyRange(start: 0, end: .max),
            parent: parent.map(ShardID.init(number:)),
            startingSequenceNumber: .zero
        )
    }
}

extension DynamoDBApplication {
    var store: DynamoDBLeaseStore { DynamoDBLeaseStore(self) }

    func key(_ shard: Int) -> LeaseKey { LeaseKey(mapping: mapping, shard: ShardID(number: shard)) }

    /// A shard's row as it stands in the table.
    func item(_ shard: Int) async throws -> Item {
        try #require(
            try await client.item(LeaseWrites.key(ShardID(number: shard)), in: leaseTable)
        )
    }

    /// Puts a row as a worker of KCL 3 makes it; these are the attributes of one that 3.1.3 has written.
    func putKCLRow(_ shard: Int, _ changes: Item = [:]) async throws {
        let item: Item = [
            "leaseKey": .string(ShardID(number: shard).text), "leaseOwner": .string("java"),
            "leaseCounter": .number("20"), "ownerSwitchesSinceCheckpoint": .number("0"),
            "checkpoint": .string("49590338271490256608559692538361571095921575989136588898"),
            "checkpointSubSequenceNumber": .number("0"), "startingHashKey": .string("0"),
            "endingHashKey": .string("85070591730234615865843651857942052863"),
            "throughputKBps": .number("0.000004"),
        ]
        try await client.put(ItemPut(TableName: leaseTable, Item: item.merging(changes) { $1 }))
    }

    /// Changes a row as a worker of KCL does, which fences itself by the counter.
    func updateAsKCL(_ shard: Int, _ expression: String, _ values: Item) async throws {
        try await client.update(
            ItemUpdate(
                TableName: leaseTable,
                Key: LeaseWrites.key(ShardID(number: shard)),
                UpdateExpression: expression,
                ExpressionAttributeValues: values
            )
        )
    }
}

extension DynamoDBLeaseStore {
    func row(_ shard: Int) async throws -> LeaseRow {
        let rows = try await leases(of: application.mapping)
        return try #require(rows.first { $0.key == application.key(shard) })
    }

    /// Acquires the lease as its row stands, and adds the row if there is none.
    func acquired(_ shard: Int, by worker: WorkerID = "worker-a") async throws -> Lease {
        try await add(
            [NewLease(shard: Shard(shard), checkpoint: .start(.trimHorizon))],
            to: application.mapping
        )
        let counter = try await row(shard).counter
        return try #require(try await acquire(application.key(shard), seen: counter, for: worker))
    }
}
