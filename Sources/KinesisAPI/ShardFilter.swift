package import KinesisWire
package import StreamCore

/// Which shards of a stream ListShards names.
package enum ShardFilter: Hashable, Sendable, Codable {
    case afterShard(ShardID)
    /// Open at the oldest record kept.
    case atTrimHorizon
    /// Everything that still has records.
    case fromTrimHorizon
    /// Open now.
    case atLatest
    /// Open at that time.
    case atTimestamp(Timestamp)
    /// Open at that time or later.
    case fromTimestamp(Timestamp)

    package static let typeNames = [
        "AFTER_SHARD_ID", "AT_TIMESTAMP", "AT_TRIM_HORIZON", "FROM_TIMESTAMP", "AT_LATEST",
        "FROM_TRIM_HORIZON",
    ]

    /// - Parameter type: One of `typeNames`.
    /// - Throws: When the member that the type needs is missing.
    package init(type: String, shard: ShardID?, timestamp: Timestamp?) throws(KinesisError) {
        switch (type, shard, timestamp) {
        case ("AFTER_SHARD_ID", let shard?, _): self = .afterShard(shard)
        case ("AT_TRIM_HORIZON", _, _): self = .atTrimHorizon
        case ("FROM_TRIM_HORIZON", _, _): self = .fromTrimHorizon
        case ("AT_LATEST", _, _): self = .atLatest
        case ("AT_TIMESTAMP", _, let timestamp?): self = .atTimestamp(timestamp)
        case ("FROM_TIMESTAMP", _, let timestamp?): self = .fromTimestamp(timestamp)
        case ("AFTER_SHARD_ID", nil, _):
            throw KinesisError(
                .invalidArgument,
                "ShardId must be specified for a ShardFilter of type \(type)."
            )
        default:
            throw KinesisError(
                .invalidArgument,
                "Timestamp must be specified for a ShardFilter of type \(type)."
            )
        }
    }

    /// The shards that pass, in the order given.
    ///
    /// - Parameters:
    ///   - shards: All of the stream that are still known.
    ///   - opened: When a shard was created. It closes when the first of its children is.
    package func apply(to shards: [Shard], opened: (Shard) -> Timestamp) -> [Shard] {
        switch self {
        case .fromTrimHorizon: return shards
        case .afterShard(let id): return shards.filter { $0.id > id }
        case .atLatest: return shards.filter(\.isOpen)
        case .atTrimHorizon:
            let known = Set(shards.map(\.id))
            return shards.filter { $0.parents.allSatisfy { !known.contains($0) } }
        case .atTimestamp(let time):
            let closed = Self.closingTimes(of: shards, opened: opened)
            let open = shards.filter { opened($0) <= time && (closed[$0.id].map { time < $0 } ?? true) }
            // Before the first shard the answer is the trim horizon.
            return open.isEmpty ? Self.atTrimHorizon.apply(to: shards, opened: opened) : open
        case .fromTimestamp(let time):
            let closed = Self.closingTimes(of: shards, opened: opened)
            return shards.filter { closed[$0.id].map { time < $0 } ?? true }
        }
    }

    private static func closingTimes(of shards: [Shard], opened: (Shard) -> Timestamp) -> [ShardID: Timestamp]
    {
        var closed: [ShardID: Timestamp] = [:]
        for shard in shards {
            for parent in shard.parents {
                closed[parent] = min(closed[parent] ?? opened(shard), opened(shard))
            }
        }
        return closed
    }
}
