import SQLiteStore
import StreamCore
import TestSupport
import Testing

/// Lends the store of a fresh data directory.
func withDatabase<Result>(
    _ body: (_ database: SQLiteDatabase, _ directory: String) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        try await body(try SQLiteDatabase.patient(directory), directory)
    }
}

extension SQLiteDatabase {
    /// One that waits for others for longer than a slow machine can make them pause.
    static func patient(_ directory: String) throws -> SQLiteDatabase {
        try SQLiteDatabase(directory: directory, longestWait: .seconds(600))
    }
}

extension FunctionDefinition {
    static func named(_ name: FunctionName, streams: [StreamName], timeoutSeconds: Int = 3)
        -> FunctionDefinition
    {
        FunctionDefinition(
            name: name,
            runtime: .provided("provided.al2023"),
            handler: "bootstrap",
            codeDirectory: "/functions/\(name)",
            timeoutSeconds: timeoutSeconds,
            environment: ["LEVEL": "debug/\"1\""],
            eventSources: streams.map { EventSource(stream: $0, startingPosition: .trimHorizon) }
        )
    }
}

extension FunctionRegistry {
    /// Registers a function and returns its mappings, in the order of their streams.
    func mappings(of definition: FunctionDefinition) async throws -> [EventSourceMapping] {
        try await register([definition])
        return try await mappings().filter { $0.function == definition.name }
    }
}

extension NewLease {
    static func start(_ number: Int) -> NewLease {
        NewLease(
            shard: Shard(
                id: ShardID(number: number),
                hashKeyRange: HashKeyRange(start: 0, end: .max),
                startingSequenceNumber: .zero
            ),
            checkpoint: .start(.trimHorizon)
        )
    }
}

extension SQLiteLeaseStore {
    /// Adds a shard and acquires its lease.
    func acquired(_ shard: Int, of mapping: MappingID) async throws -> Lease {
        try await add([.start(shard)], to: mapping)
        let key = LeaseKey(mapping: mapping, shard: ShardID(number: shard))
        return try #require(try await acquire(key, seen: 0, for: "worker-a"))
    }

    func row(_ key: LeaseKey) async throws -> LeaseRow {
        try #require(try await leases(of: key.mapping).first { $0.key == key })
    }
}

extension BatchFailure {
    static func named(_ id: String, of key: LeaseKey, eventBytes: Int = 2) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: key.mapping,
            shard: key.shard,
            streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/first",
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:orders",
            condition: .retryAttemptsExhausted,
            invokeCount: 1,
            requestID: "request",
            response: nil,
            records: Records(
                count: 1,
                first: 1,
                last: 1,
                firstArrival: Timestamp(milliseconds: 1),
                lastArrival: Timestamp(milliseconds: 1)
            ),
            time: Timestamp(milliseconds: 5),
            event: [UInt8](repeating: 0x20, count: eventBytes),
            logTail: "",
            target: .file(path: "/failures")
        )
    }
}
