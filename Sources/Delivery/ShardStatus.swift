package import StreamCore
import Synchronization

/// What one shard of one mapping is doing now, and what it has done since it was gained.
package struct ShardReport: Hashable, Sendable {
    package enum Activity: Hashable, Sendable {
        case starting
        /// At the tip, or waiting for a batch to fill.
        case waitingForRecords
        case invoking(records: Int)
        /// The batch failed and will be invoked again.
        case retrying(failures: Int, error: String, delay: Duration)
        /// The function cannot take a batch; no attempt is spent.
        case waitingForFunction(reason: String)
        case readFailing(error: String)
        case ended
    }

    package var activity: Activity = .starting
    package var checkpoint: Checkpoint
    package var records = 0
    package var batches = 0
    package var failedInvocations = 0
    /// Why the batch in hand failed the last time; `nil` again once it is done.
    package var lastError: String?
    /// Arrival of the oldest record that was read and is not done; `nil` when there is none.
    package var oldestPending: Timestamp?

    package init(checkpoint: Checkpoint) {
        self.checkpoint = checkpoint
    }

    /// How long the oldest record that is not done has been in the log; 0 when nothing is left to do.
    package func iteratorAgeMilliseconds(at now: Timestamp) -> Int64? {
        switch activity {
        case .starting, .readFailing: nil
        default: oldestPending.map { max(0, now.millisecondsSince($0)) } ?? 0
        }
    }
}

/// The report of one shard, written by its consumer and read by anyone.
package final class ShardStatus: Sendable {
    private let report: Mutex<ShardReport>

    package init(checkpoint: Checkpoint) {
        report = Mutex(ShardReport(checkpoint: checkpoint))
    }

    package var current: ShardReport { report.withLock(\.self) }

    package func update(_ change: (inout sending ShardReport) -> Void) {
        report.withLock { change(&$0) }
    }

    package func note(_ activity: ShardReport.Activity) {
        report.withLock { $0.activity = activity }
    }
}
