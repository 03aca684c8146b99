import SQLiteStore
import StreamCore
import TestSupport

/// Lends the store of a fresh data directory.
func withDatabase<Result>(
    _ body: (_ database: SQLiteDatabase, _ directory: String) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        try await body(try SQLiteDatabase(directory: directory), directory)
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
