import ByteCoding
import KinesisSource
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DeaggregatingSourceTests {
    /// alpha: one, beta (hash key 5): two, alpha: three.
    private let aggregate =
        Base64.decode(
            "84mawgoFYWxwaGEKBGJldGESATUaBwgAGgNvbmUaCQgBEAAaA3R3bxoJCAAaBXRocmVlRcp8i0515bbulkm4a7IilA=="
        )
        ?? []

    @Test func `a read gives whole aggregates, and what their shard should have`() async throws {
        let log = MemoryLog(clock: TestClock())
        let shard = ShardID(number: 0)
        let source = DeaggregatingSource(log, logger: LogServer.logger)
        let number = try log.append(key: "whole", payload: aggregate, to: shard)
        try log.append(key: "plain", to: shard)

        let reader = try await source.reader(of: shard, from: .trimHorizon)
        let first = try await reader.read(maxRecords: 1, maxBytes: 1 << 20, wait: .zero)
        let children = try log.split(shard)
        try log.append(key: "whole", payload: aggregate, to: children[1])
        try log.append(key: "plain", to: children[1])
        let childReader = try await source.reader(of: children[1], from: .trimHorizon)
        let later = try await childReader.read(maxRecords: 10, maxBytes: 1 << 20, wait: .zero)

        #expect(first.batch.entries.map(\.sequenceNumber) == [number, number, number])
        #expect(first.batch.entries.map(\.subSequenceNumber) == [0, 1, 2])
        // The sibling has the keys of the aggregate.
        #expect(later.batch.entries.indices.map(later.batch.partitionKey) == ["plain"])
    }

    @Test func `the shards are listed once for all readers of them, and again for new ones`() async throws {
        let log = MemoryLog(shardCount: 3, clock: TestClock())
        let listed = CountingSource(log)
        let source = DeaggregatingSource(listed, logger: LogServer.logger)

        for shard in 0..<3 {
            _ = try await source.reader(of: ShardID(number: shard), from: .trimHorizon)
        }
        #expect(listed.listings == 1)
        let children = try log.split(ShardID(number: 0))
        for child in children { _ = try await source.reader(of: child, from: .trimHorizon) }

        #expect(listed.listings == 2)
    }
}

/// Counts how often the shards of another source are listed.
private final class CountingSource: LogSource {
    private let base: any LogSource
    private let count = Atomic(0)

    init(_ base: any LogSource) {
        self.base = base
    }

    var listings: Int { count.load(ordering: .relaxed) }

    func shards() async throws -> [Shard] {
        count.add(1, ordering: .relaxed)
        return try await base.shards()
    }

    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        try await base.pin(start, in: shard)
    }

    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        try await base.reader(of: shard, from: position)
    }
}
