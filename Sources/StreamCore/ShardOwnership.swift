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
    /// Requested when the shard is to be given up: finish the batch in hand, then return.
    package let drain: DrainSignal
    /// Records that everything up to and including a position is done; throws `LeaseLost` when the shard is
    /// another's.
    package let checkpoint: @Sendable (Checkpoint) async throws -> Void

    package init(
        shard: ShardID,
        start: Checkpoint,
        drain: DrainSignal,
        checkpoint: @escaping @Sendable (Checkpoint) async throws -> Void
    ) {
        self.shard = shard
        self.start = start
        self.drain = drain
        self.checkpoint = checkpoint
    }
}
