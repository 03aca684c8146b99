/// One ordered part of a stream, and the part of the hash key space whose records it takes.
package struct Shard: Hashable, Sendable {
    package let id: ShardID
    package let hashKeyRange: HashKeyRange
    /// The shard that was split, or the first of two that were merged, while still known.
    package let parent: ShardID?
    /// The second of two shards that were merged.
    package let adjacentParent: ShardID?
    package let startingSequenceNumber: SequenceNumber
    /// Set once the shard is closed: no record has a larger number.
    package let endingSequenceNumber: SequenceNumber?

    package init(
        id: ShardID,
        hashKeyRange: HashKeyRange,
        parent: ShardID? = nil,
        adjacentParent: ShardID? = nil,
        startingSequenceNumber: SequenceNumber,
        endingSequenceNumber: SequenceNumber? = nil
    ) {
        self.id = id
        self.hashKeyRange = hashKeyRange
        self.parent = parent
        self.adjacentParent = adjacentParent
        self.startingSequenceNumber = startingSequenceNumber
        self.endingSequenceNumber = endingSequenceNumber
    }

    package var isOpen: Bool { endingSequenceNumber == nil }

    package var parents: [ShardID] { [parent, adjacentParent].compactMap(\.self) }
}

/// A closed range of hash keys: 0 to 2^128 - 1, both ends included.
package struct HashKeyRange: Hashable, Sendable {
    package let start: UInt128
    package let end: UInt128

    package init(start: UInt128, end: UInt128) {
        precondition(start <= end, "a hash key range is not empty")
        self.start = start
        self.end = end
    }

    package func contains(_ key: UInt128) -> Bool { start <= key && key <= end }

    /// The whole key space in `count` ranges of equal size, as CreateStream cuts it.
    package static func even(count: Int) -> [HashKeyRange] {
        precondition(count > 0, "a stream has at least one shard")
        // Shard i begins at ⌊i · 2^128 / count⌋, so that twice as many shards begin where the half of them do.
        let parts = UInt128(count)
        let (width, last) = UInt128.max.quotientAndRemainder(dividingBy: parts)
        let starts = (0..<parts).map { $0 * width + $0 * (last + 1) / parts }
        return starts.indices.map { index in
            HashKeyRange(
                start: starts[index],
                end: index + 1 < count ? starts[index + 1] - 1 : .max
            )
        }
    }
}
