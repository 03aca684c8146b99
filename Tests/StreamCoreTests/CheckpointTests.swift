import StreamCore
import Testing

@Suite struct CheckpointTests {
    private static let ascending: [Checkpoint] = [
        .start(.atTimestamp(Timestamp(milliseconds: 9))), .start(.trimHorizon), .start(.latest),
        .at(0), .at(1), .at(SequenceNumber(high: 0, middle: 1, low: 0)), .shardEnd,
    ]

    @Test func `checkpoints ascend from the start over the records to the end`() {
        for (leftIndex, left) in Self.ascending.enumerated() {
            for (rightIndex, right) in Self.ascending.enumerated() {
                #expect((left < right) == (leftIndex < rightIndex), "\(left) < \(right)")
            }
        }
    }

    @Test func `reading goes on after the last record that is done`() {
        #expect(Checkpoint.at(7).resumePosition == .afterSequenceNumber(7))
        #expect(Checkpoint.start(.latest).resumePosition == .latest)
        #expect(Checkpoint.start(.trimHorizon).resumePosition == .trimHorizon)
        #expect(Checkpoint.shardEnd.resumePosition == nil)
    }

    @Test func `checkpoints are named as KCL names them`() {
        #expect(
            Self.ascending.map(\.description) == [
                "AT_TIMESTAMP", "TRIM_HORIZON", "LATEST", "0", "1", "18446744073709551616", "SHARD_END",
            ]
        )
    }
}
