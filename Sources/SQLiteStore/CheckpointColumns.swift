package import StreamCore

/// A checkpoint as the columns `checkpoint` and `checkpointTimestamp` hold it.
extension Checkpoint {
    /// The place among starting positions, numbers and the end, in the order of KCL's `ExtendedSequenceNumber`.
    var columnRank: Int {
        switch self {
        case .start(.atTimestamp): 0
        case .start(.trimHorizon): 1
        case .start(.latest): 2
        case .at: 3
        case .shardEnd: 4
        }
    }

    /// What stands beside `AT_TIMESTAMP`, in milliseconds.
    var startTimestamp: Int64? {
        if case .start(.atTimestamp(let time)) = self { time.milliseconds } else { nil }
    }

    init(column: String, timestamp: Int64?, of key: LeaseKey) throws {
        switch (column, timestamp) {
        case ("TRIM_HORIZON", _): self = .start(.trimHorizon)
        case ("LATEST", _): self = .start(.latest)
        case ("AT_TIMESTAMP", let milliseconds?):
            self = .start(.atTimestamp(Timestamp(milliseconds: milliseconds)))
        case ("SHARD_END", _): self = .shardEnd
        default:
            guard let number = SequenceNumber(column) else {
                throw MalformedCheckpoint(key: key, text: column)
            }
            self = .at(number)
        }
    }
}

/// A lease's row holds a checkpoint that is neither a sequence number nor a known position.
package struct MalformedCheckpoint: Error, Hashable, CustomStringConvertible {
    package let key: LeaseKey
    package let text: String
    package var description: String { "lease \(key) has the checkpoint \"\(text)\", which is no position" }
}
