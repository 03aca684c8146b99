import SQLiteStore
import StreamCore

extension LambdaService {
    /// What an account of Lambda has by default.
    private static let accountConcurrency = 1_000

    private struct Concurrency: Codable { let reservedConcurrentExecutions: Int? }

    func putConcurrency(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        let request = try LambdaCodec.decode(Concurrency.self, from: body)
        var checks = RequestChecks()
        checks.require(request.reservedConcurrentExecutions, at: "reservedConcurrentExecutions")
        checks.number(
            request.reservedConcurrentExecutions,
            at: "reservedConcurrentExecutions",
            in: 0...Int.max
        )
        try checks.finish()
        let limit = request.reservedConcurrentExecutions ?? 0
        guard limit <= Self.accountConcurrency else {
            throw LambdaError.invalid(
                "Specified ReservedConcurrentExecutions for function is \(limit); at most \(Self.accountConcurrency) "
                    + "processes of a function run at a time."
            )
        }
        _ = try await function(FunctionReference(name))
        try await registry.setReservedConcurrency(limit, of: name)
        return try LambdaAnswer(Concurrency(reservedConcurrentExecutions: limit))
    }

    func getConcurrency(_ call: LambdaCall) async throws -> LambdaAnswer {
        let function = try await function(FunctionReference(unqualified(call)))
        return try LambdaAnswer(Concurrency(reservedConcurrentExecutions: function.reservedConcurrency))
    }

    func deleteConcurrency(_ call: LambdaCall) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        _ = try await function(FunctionReference(name))
        try await registry.setReservedConcurrency(nil, of: name)
        return LambdaAnswer(status: 204)
    }

    func accountSettings() async throws -> LambdaAnswer {
        struct Limit: Encodable {
            let codeSizeUnzipped = FunctionCodeStore.maximumUnpackedBytes
            let codeSizeZipped = FunctionCodeStore.maximumArchiveBytes
            let concurrentExecutions: Int
            let unreservedConcurrentExecutions: Int
        }
        struct Usage: Encodable {
            let totalCodeSize: Int
            let functionCount: Int
        }
        struct Answer: Encodable {
            let accountLimit: Limit
            let accountUsage: Usage
        }
        let functions = try await registry.functions()
        let reserved = functions.reduce(0) { $0 + ($1.reservedConcurrency ?? 0) }
        return try LambdaAnswer(
            Answer(
                accountLimit: Limit(
                    concurrentExecutions: Self.accountConcurrency,
                    unreservedConcurrentExecutions: max(0, Self.accountConcurrency - reserved)
                ),
                accountUsage: Usage(
                    totalCodeSize: functions.reduce(0) { total, function in
                        total + (function.definition.code?.bytes ?? 0)
                            + function.versions.reduce(0) { $0 + ($1.definition.code?.bytes ?? 0) }
                    },
                    functionCount: functions.count
                )
            )
        )
    }
}
