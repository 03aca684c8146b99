import StreamCore

/// Claims one shard.
struct OneClaim: ShardOwnership {
    let claim: ShardClaim

    func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> ShardOutcome
    ) async throws { _ = try await process(claim) }
}
