import KinesisAPI
import StreamCore
import Testing

struct ShardFilterTests {
    /// A split, a merge and a shard that stands alone.
    ///
    /// Shard 0 becomes 1 and 2 at 100 s, these become 3 at 200 s, and shard 4 is there from the beginning.
    private static let shards: [Shard] = [
        shard(0, end: 9), shard(1, parent: 0, end: 9), shard(2, parent: 0, end: 9),
        shard(3, parent: 1, adjacent: 2), shard(4),
    ]
    private static let openedSeconds: [Int64] = [10, 100, 100, 200, 10]

    private static func shard(_ number: Int, parent: Int? = nil, adjacent: Int? = nil, end: UInt64? = nil)
        -> Shard
    {
        Shard(
            id: ShardID(number: number),
            hashKeyRange: HashKeyRange(start: 0, end: .max),
            parent: parent.map { ShardID(number: $0) },
            adjacentParent: adjacent.map { ShardID(number: $0) },
            startingSequenceNumber: SequenceNumber(UInt128(number)),
            endingSequenceNumber: end.map { SequenceNumber(UInt128($0)) }
        )
    }

    private static func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1_000) }

    static let cases: [(ShardFilter, [Int])] = [
        (.fromTrimHorizon, [0, 1, 2, 3, 4]),
        (.atTrimHorizon, [0, 4]),
        (.atLatest, [3, 4]),
        (.afterShard(ShardID(number: 1)), [2, 3, 4]),
        (.afterShard(ShardID(number: 4)), []),
        (.atTimestamp(time(5)), [0, 4]),
        (.atTimestamp(time(50)), [0, 4]),
        (.atTimestamp(time(100)), [1, 2, 4]),
        (.atTimestamp(time(150)), [1, 2, 4]),
        (.atTimestamp(time(300)), [3, 4]),
        (.fromTimestamp(time(50)), [0, 1, 2, 3, 4]),
        (.fromTimestamp(time(150)), [1, 2, 3, 4]),
        (.fromTimestamp(time(300)), [3, 4]),
    ]

    @Test(arguments: cases)
    func `a filter picks the shards of its time`(filter: ShardFilter, numbers: [Int]) {
        let picked = filter.apply(to: Self.shards) { shard in
            Self.time(Self.openedSeconds[Int(shard.startingSequenceNumber.low)])
        }

        #expect(picked.map(\.id) == numbers.map { ShardID(number: $0) })
    }

    @Test func `a parent that has expired leaves its children at the horizon`() {
        let left = Array(Self.shards.dropFirst())

        let picked = ShardFilter.atTrimHorizon.apply(to: left) { _ in Self.time(0) }

        #expect(picked.map(\.id) == [1, 2, 4].map { ShardID(number: $0) })
    }
}
