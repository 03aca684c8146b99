/// Everything that one step of a shard moves, in one transaction.
package struct ShardCommit: Hashable, Sendable {
    /// Everything up to and including it is done; it never moves back.
    ///
    /// `nil` leaves it where it is.
    package let checkpoint: Checkpoint?
    package let progress: ProgressChange
    /// Records that were given up; the checkpoint may pass them because they are stored here.
    package let failures: [BatchFailure]

    package enum ProgressChange: Hashable, Sendable {
        case keep
        /// `ShardProgress.none` removes what is stored.
        case set(ShardProgress)
    }

    package init(
        checkpoint: Checkpoint? = nil,
        progress: ProgressChange = .keep,
        failures: [BatchFailure] = []
    ) {
        self.checkpoint = checkpoint
        self.progress = progress
        self.failures = failures
    }
}

/// What is known about a shard beyond its checkpoint, so that a restart or another worker goes on where this one was.
package struct ShardProgress: Hashable, Sendable, Codable {
    /// Batches that have failed or were split and are not done, in order of their first records.
    package var retries: [BatchProgress]
    package var lanes: LaneProgress?
    package var window: WindowProgress?

    package init(
        retries: [BatchProgress] = [],
        lanes: LaneProgress? = nil,
        window: WindowProgress? = nil
    ) {
        self.retries = retries
        self.lanes = lanes
        self.window = window
    }

    package static let none = ShardProgress()

    package var isNone: Bool { self == .none }
}

/// A batch that has failed or was split: the same records are invoked together again.
package struct BatchProgress: Hashable, Sendable, Codable {
    /// The first and the last record; those in between that pass the filter and belong to the lane are in it too.
    package let first: SequenceNumber
    package let last: SequenceNumber
    /// Which lane it belongs to; 0 when the shard has one.
    package let lane: Int
    /// Invocations that failed with just these records.
    ///
    /// A split starts anew at 0, as Lambda does not count it.
    package var attempts: Int
    /// When the first of these records failed for the first time.
    package var firstFailure: Timestamp

    package init(
        first: SequenceNumber,
        last: SequenceNumber,
        lane: Int = 0,
        attempts: Int,
        firstFailure: Timestamp
    ) {
        self.first = first
        self.last = last
        self.lane = lane
        self.attempts = attempts
        self.firstFailure = firstFailure
    }
}

/// How far each lane of a shard is done, where that is beyond the checkpoint.
package struct LaneProgress: Hashable, Sendable, Codable {
    /// The parallelization factor that these lanes belong to; another one deals records out differently.
    package var count: Int
    /// Per lane the last record that is done, `nil` where that is not beyond the checkpoint.
    package var done: [SequenceNumber?]

    package init(count: Int, done: [SequenceNumber?]) {
        self.count = count
        self.done = done
    }
}

/// The tumbling window that a shard is in.
package struct WindowProgress: Hashable, Sendable, Codable {
    package var start: Timestamp
    package var end: Timestamp
    /// The function's state as it returned it: JSON, at most 1 MB.
    package var state: [UInt8]
    /// Every record of it is done, and the final invocation is not.
    package var awaitsFinal: Bool

    package init(start: Timestamp, end: Timestamp, state: [UInt8], awaitsFinal: Bool = false) {
        self.start = start
        self.end = end
        self.state = state
        self.awaitsFinal = awaitsFinal
    }
}
