package import StreamCore

/// What one shard of one mapping is doing now, and what it has done since it was gained.
package struct ShardReport: Hashable, Sendable {
    package enum Activity: Hashable, Sendable {
        case starting
        /// At the tip, or waiting for a batch to fill.
        case waitingForRecords
        case invoking(records: Int)
        /// Records are gathered until the batch is full or its window is over.
        case waitingForWindow(records: Int)
        /// The batch failed and will be invoked again; `of` is how often at most, `nil` for ever.
        case retrying(failures: Int, of: Int? = nil, error: String, delay: Duration)
        /// The batch failed and was split; so many pieces of it are left.
        case bisecting(pieces: Int, error: String, delay: Duration)
        /// What each lane of a shard with several does.
        case lanes([Activity])
        /// The function cannot take a batch; no attempt is spent.
        case waitingForFunction(reason: String)
        case readFailing(error: String)
        case ended
    }

    package var activity: Activity = .starting
    package var checkpoint: Checkpoint
    package var records = 0
    package var batches = 0
    package var flow = Flow()
    package var failedInvocations = 0
    package var events = EventCounts()
    package var lastResult = ProcessingResult.noRecords
    /// Why the batch in hand failed the last time; `nil` again once it is done.
    package var lastError: String?
    /// Arrival of the oldest record that was read and is not done; `nil` when there is none.
    package var oldestPending: Timestamp?

    package init(checkpoint: Checkpoint) {
        self.checkpoint = checkpoint
    }

    /// How much is read of a shard.
    package struct Flow: Hashable, Sendable {
        /// Keys and payloads that were read, passing the filter or not.
        package var bytes = 0
        /// How far what was read last lies behind the newest record; 0 at the tip.
        package var behindMilliseconds: Int64 = 0

        package init() {}
    }

    /// Lambda's EventCount metrics, since the shard was gained first.
    package struct EventCounts: Hashable, Sendable {
        package var polled = 0
        package var filteredOut = 0
        /// With each repetition.
        package var invoked = 0
        /// Of failed invocations, those that failed in part included.
        package var failedInvoke = 0
        /// Given up, and stored as failures.
        package var givenUp = 0
        /// Given up, by this host or another, and taken to their destination since this one has processed the shard.
        package var delivered = 0

        package init() {}
    }

    /// Lambda's LastProcessingResult.
    package enum ProcessingResult: String, Hashable, Sendable {
        case noRecords = "No records processed"
        case ok = "OK"
        case functionFailed = "PROBLEM: Function call failed"
    }

    /// How long the oldest record that is not done has been in the log; 0 when nothing is left to do.
    package func iteratorAgeMilliseconds(at now: Timestamp) -> Int64? {
        switch activity {
        case .starting, .readFailing: nil
        default: oldestPending.map { max(0, now.millisecondsSince($0)) } ?? 0
        }
    }
}
