package import StreamCore

/// The sequence numbers of one shard: 128 bits that grow along the shard and from parent to child.
///
/// | bits | field |
/// | --- | --- |
/// | 8 | 0x50, so that the decimal form always has 39 digits |
/// | 32 | when the shard was created, in seconds since 1970; for a child later than for its parents |
/// | 24 | the shard's number in its stream |
/// | 64 | counter; 0 is the place before the first record |
package struct ShardNumbers: Hashable, Sendable {
    /// Everything but the counter.
    let prefix: UInt64

    /// Shards that a stream can make in its life.
    static let shardLimit = 1 << 24

    package init(createdSeconds: UInt32, shard: Int) {
        precondition((0..<Self.shardLimit).contains(shard), "a shard's number has 24 bits")
        prefix = 0x50 << 56 | UInt64(createdSeconds) << 24 | UInt64(shard)
    }

    package func number(_ counter: UInt64) -> SequenceNumber {
        SequenceNumber(high: 0, middle: prefix, low: counter)
    }

    /// - Returns: `nil` when the number was not issued by this shard.
    package func counter(of number: SequenceNumber) -> UInt64? {
        number.high == 0 && number.middle == prefix ? number.low : nil
    }

    package var createdSeconds: UInt32 { UInt32(truncatingIfNeeded: prefix >> 24) }
    package var shard: Int { Int(prefix & 0xFF_FFFF) }
}
