package import StreamCore
import Synchronization

/// The report of one shard, written by its consumer and read by anyone.
package final class ShardStatus: Sendable {
    private let report: Mutex<ShardReport>

    package init(checkpoint: Checkpoint) {
        report = Mutex(ShardReport(checkpoint: checkpoint))
    }

    package var current: ShardReport { report.withLock(\.self) }

    /// A part of it, for who asks for thousands of shards.
    package var flow: ShardReport.Flow { report.withLock(\.flow) }

    package func update(_ change: (inout sending ShardReport) -> Void) {
        report.withLock { change(&$0) }
    }

    package func note(_ activity: ShardReport.Activity) {
        report.withLock { $0.activity = activity }
    }

    /// Notes what one lane does; in a shard without lanes that is what the shard does.
    package func note(_ activity: ShardReport.Activity, lane: Int) {
        report.withLock { $0.note(activity, lane: lane) }
    }

    func noteInvocation(of recordCount: Int, lane: Int) {
        report.withLock { report in
            report.note(.invoking(records: recordCount), lane: lane)
            report.events.invoked += recordCount
        }
    }

    func noteDone(_ recordCount: Int, upTo checkpoint: Checkpoint) {
        report.withLock { report in
            report.checkpoint = checkpoint
            report.records += recordCount
            report.batches += 1
            report.lastError = nil
            report.lastResult = .ok
        }
    }

    func noteFailure(of recordCount: Int, _ error: String, lane: Int) {
        report.withLock { report in
            report.failedInvocations += 1
            report.events.failedInvoke += recordCount
            report.lastError = error
            report.lastResult = .functionFailed
        }
    }

    func noteGivenUp(_ recordCount: Int, upTo checkpoint: Checkpoint) {
        report.withLock { report in
            report.checkpoint = checkpoint
            report.events.givenUp += recordCount
            report.lastResult = .functionFailed
        }
    }

    /// Records that were given up have reached their destination.
    package func noteDelivered(_ recordCount: Int) {
        report.withLock { $0.events.delivered += recordCount }
    }

    package func noteRead(_ reading: ShardReading, bytes: Int, behindMilliseconds: Int64) {
        report.withLock { report in
            report.flow.bytes += bytes
            report.flow.behindMilliseconds = behindMilliseconds
            report.events.polled += reading.readCount
            report.events.filteredOut += reading.filteredOut
        }
    }
}

extension ShardReport {
    fileprivate mutating func note(_ new: Activity, lane: Int) {
        guard case .lanes(var lanes) = activity, lanes.indices.contains(lane) else { return activity = new }
        // The array has one owner while it changes.
        activity = .starting
        lanes[lane] = new
        activity = .lanes(lanes)
    }
}
