import Coordination
import Delivery
import Logging
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct UnreadableRecordTests {
    @Test func `records before one that cannot be read are delivered all the same`() async throws {
        let clock = TestClock()
        let handler = ClosureHandler { _ in .succeeded }
        let checkpoints = Recorder<Checkpoint>()
        let drain = DrainSignal()
        let worker = try Worker(
            mapping: EventSourceMapping(
                id: "6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b",
                function: "counts",
                source: EventSource(stream: "flights", startingPosition: .trimHorizon, batchSize: 100)
            ),
            ownership: OneShard(checkpoints: checkpoints),
            source: DamagedShard(),
            transport: handler,
            names: ResourceNames(),
            statuses: ShardStatuses(),
            clock: clock,
            now: { Timestamp(milliseconds: 0) },
            encodeEvent: { _ in [] },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )

        let running = Task { try await worker.run(until: drain) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1))
        await handler.waitForRecords(3)

        #expect(handler.numbers == [1, 2, 3])
        await checkpoints.wait(for: 1)
        #expect(checkpoints.events == [.at(3)])
        drain.request()
        try await running.value
    }
}

/// Owns one shard from the beginning until it is drained.
private struct OneShard: ShardOwnership {
    let checkpoints: Recorder<Checkpoint>

    func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> ShardOutcome
    ) async throws {
        let claim = ShardClaim(
            shard: "shardId-000000000000",
            start: .start(.trimHorizon),
            drain: drain
        ) { commit in if let checkpoint = commit.checkpoint { checkpoints.append(checkpoint) } }
        _ = try await process(claim)
    }
}

/// Three records, and behind them one that cannot be read.
private struct DamagedShard: LogSource, ShardReader {
    private struct Damaged: Error {}
    private let first = Recorder<Bool>()

    func shards() async throws -> [Shard] { [] }

    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint { .start(start) }

    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader { self }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        guard first.events.isEmpty else { throw Damaged() }
        first.append(true)
        return ReadResult(batch: RecordBatch.numbered(1...3), millisBehindLatest: 5, isEnd: false)
    }
}
