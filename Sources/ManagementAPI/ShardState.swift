import Delivery
import StreamCore

/// Why a shard is moving or not, in words.
struct ShardState: CustomStringConvertible {
    let row: LeaseRow
    let isEnabled: Bool
    /// A parent that is not finished.
    let parent: ShardID?
    /// What this host's consumer is doing; `nil` when the shard is not this host's.
    let activity: ShardReport.Activity?

    var description: String {
        if row.checkpoint == .shardEnd { return "finished" }
        if !isEnabled { return "disabled" }
        if let parent { return "waiting until its parent \(parent) is finished" }
        guard let owner = row.owner else { return "waiting for a worker" }
        return activity.map(describe) ?? "owned by \(owner)"
    }

    private func describe(_ activity: ShardReport.Activity) -> String {
        switch activity {
        case .starting: "starting"
        case .waitingForRecords: "waiting for records"
        case .invoking(let records): "invoking with \(records) \(records == 1 ? "record" : "records")"
        case .retrying(let failures, let error, let delay):
            "retry \(failures) in \(delay.formatted()): \(error)"
        case .waitingForFunction(let reason): "waiting for the function: \(reason)"
        case .readFailing(let error): "cannot be read: \(error)"
        case .ended: "finished"
        }
    }
}
