package import StreamCore

/// Why a stream keeps the shards it has.
package enum ReshardRefusal: Error, Hashable {
    /// It was split or merged before.
    case closed(ShardID)
    /// Both parts of a split must have hash keys.
    case keyOutside(HashKeyRange)
    /// Their hash keys do not follow each other.
    case notAdjacent(ShardID, ShardID)
    case moreThanDouble(open: Int)
    case lessThanHalf(open: Int)
    /// With those that would be made, more shards would be listed than a stream may have.
    case tooManyListed(Int)
    /// The stream has made as many shards as its sequence numbers can tell apart.
    case numbersExhausted
}

extension ReshardRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .closed(let shard): "shard \(shard) has been split or merged before"
        case .keyOutside(let range):
            "a shard of the hash keys \(range.start) to \(range.end) is split behind its first key, at its last at the latest"
        case .notAdjacent(let first, let second): "shards \(first) and \(second) are not neighbours"
        case .moreThanDouble(let open):
            "a stream of \(open) open shards has at most \(open * 2) after one step"
        case .lessThanHalf(let open):
            "a stream of \(open) open shards has at least \((open + 1) / 2) after one step"
        case .tooManyListed(let count):
            "\(count) shards would be listed, at most \(EmbeddedStream.listedShardLimit) may be: closed ones "
                + "go when their records expire"
        case .numbersExhausted: "the stream has no number left for another shard"
        }
    }
}
