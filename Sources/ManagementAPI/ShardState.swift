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
        case .waitingForWindow(let records):
            "waiting for the batching window with \(records) \(records == 1 ? "record" : "records")"
        case .retrying(let failures, let limit, let error, let delay):
            "retry \(failures)\(limit.map { " of \($0)" } ?? "") in \(delay.formatted()): \(error)"
        case .bisecting(let pieces, let error, let delay):
            "split into \(pieces) batches, next in \(delay.formatted()): \(error)"
        case .lanes(let lanes): describe(lanes.map(describe))
        case .waitingForFunction(let reason): "waiting for the function: \(reason)"
        case .readFailing(let error): "cannot be read: \(error)"
        case .ended: "finished"
        }
    }

    /// What lanes have in common is said once.
    private func describe(_ lanes: [String]) -> String {
        if let first = lanes.first, lanes.allSatisfy({ $0 == first }) {
            return "\(lanes.count) lanes \(first)"
        }
        return lanes.enumerated().map { "lane \($0) \($1)" }.joined(separator: ", ")
    }
}
