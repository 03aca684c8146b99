/// Decides which shards of one mapping this worker processes, and for how long.
///
/// Leases are one implementation; a consumer group coordinator is another.
package protocol ShardOwnership: Sendable {
    /// Runs `process` for every shard gained, each in a child task, until `drain` is requested.
    ///
    /// - A shard to give up has its claim's `drain` requested. When `process` returns, or a time limit has
    ///   passed, the shard is confirmed as given up.
    /// - The task of a shard that was lost is cancelled at once.
    /// - When `process` throws, the shard is given up and may be gained again.
    func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> Void
    ) async throws
}

/// The right to process one shard, for as long as the task it was given to is not cancelled.
package struct ShardClaim: Sendable {
    package let shard: ShardID
    /// How far the shard was processed when it was gained.
    package let start: Checkpoint
    /// What was stored beyond that.
    package let progress: ShardProgress
    /// Requested when the shard is to be given up: finish the batch in hand, then return.
    package let drain: DrainSignal
    /// Moves the shard; throws `LeaseLost` when it is another's.
    package let commit: @Sendable (ShardCommit) async throws -> Void

    package init(
        shard: ShardID,
        start: Checkpoint,
        progress: ShardProgress = .none,
        drain: DrainSignal,
        commit: @escaping @Sendable (ShardCommit) async throws -> Void
    ) {
        self.shard = shard
        self.start = start
        self.progress = progress
        self.drain = drain
        self.commit = commit
    }

    /// Records that everything up to and including a position is done, and nothing else.
    package func checkpoint(_ checkpoint: Checkpoint) async throws {
        try await commit(ShardCommit(checkpoint: checkpoint))
    }
}
