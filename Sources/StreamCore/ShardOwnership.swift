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
    /// - A shard in which `process` leaves nothing to do keeps its claim without a task. It goes on in a new one when there
    ///   is news, or when its claim's `drain` is requested.
    func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> ShardOutcome
    ) async throws
}

/// What has become of a shard when its processing returns.
package enum ShardOutcome: Sendable {
    /// It has ended, or was drained.
    case over
    /// For now there is nothing to do in it.
    case resting(RestingShard)
}

/// A shard that waits for records without a task, which would take ten times as much memory as the rest of the shard.
package struct RestingShard: Sendable {
    /// Tells when there is something to read.
    package let reader: any WatchableShardReader
    package let resume: @Sendable () async throws -> ShardOutcome

    package init(
        reader: any WatchableShardReader,
        resume: @escaping @Sendable () async throws -> ShardOutcome
    ) {
        self.reader = reader
        self.resume = resume
    }
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
