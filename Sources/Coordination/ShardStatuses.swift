package import Delivery
package import StreamCore
import Synchronization

/// The reports of every shard that this host has processed since it started.
package final class ShardStatuses: Sendable {
    private let statuses = Mutex<[LeaseKey: ShardStatus]>([:])

    package init() {}

    /// The status of a shard that was gained; its counts go on where an earlier claim left them.
    package func status(of key: LeaseKey, from checkpoint: Checkpoint) -> ShardStatus {
        statuses.withLock { statuses in
            if let status = statuses[key] {
                status.update { report in
                    report.activity = .starting
                    report.lastError = nil
                    report.checkpoint = checkpoint
                    report.oldestPending = nil
                }
                return status
            }
            let status = ShardStatus(checkpoint: checkpoint)
            statuses[key] = status
            return status
        }
    }

    package func report(of key: LeaseKey) -> ShardReport? {
        status(of: key)?.current
    }

    /// Counts what has reached its destination for a shard that this host has processed.
    package func noteDelivered(_ failure: BatchFailure) {
        status(of: LeaseKey(mapping: failure.mapping, shard: failure.shard))?
            .noteDelivered(failure.records.count)
    }

    func status(of key: LeaseKey) -> ShardStatus? { statuses.withLock { $0[key] } }

    package func reports(of mapping: MappingID) -> [ShardReport] {
        statuses.withLock { statuses in statuses.filter { $0.key.mapping == mapping }.map(\.value) }.map(
            \.current
        )
    }

    /// How the last batch of a mapping went: a shard that has a problem comes before those that are well.
    package func lastResult(of mapping: MappingID) -> ShardReport.ProcessingResult? {
        let results = reports(of: mapping).map(\.lastResult)
        return results.first { $0 == .functionFailed } ?? results.first { $0 == .ok } ?? results.first
    }

    /// Forgets the shards of a mapping that was removed.
    package func remove(_ mapping: MappingID) {
        statuses.withLock { statuses in statuses = statuses.filter { $0.key.mapping != mapping } }
    }
}
