import Coordination
import Delivery
import Logging
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ShardConsumerTests {
    private let clock = TestClock()
    private let log: MemoryLog
    private let commits = Recorder<ShardCommit>()
    private let shard = ShardID(number: 0)

    init() { log = MemoryLog(clock: clock) }

    /// Processes the shard until the first commit, or to its end.
    private func run(
        _ source: EventSource,
        from start: Checkpoint = .start(.trimHorizon),
        _ progress: ShardProgress,
        _ handler: ClosureHandler = ClosureHandler(),
        streamARN: String? = nil
    ) async throws {
        let drain = DrainSignal()
        let claim = ShardClaim(shard: shard, start: start, progress: progress, drain: drain) { [commits] in
            commits.append($0)
            drain.request()
        }
        let worker = try Worker(
            mapping: EventSourceMapping(id: .flights, function: "f", source: source),
            ownership: OneClaim(claim: claim),
            source: log,
            transport: handler,
            names: ResourceNames(),
            streamARN: streamARN,
            statuses: ShardStatuses(),
            clock: clock,
            now: { [log] in log.now },
            encodeEvent: { _ in [] },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await worker.run(until: DrainSignal())
    }

    private func source(lanes: Int = 1, window: Int = 0, filters: [String] = []) -> EventSource {
        EventSource(
            stream: log.name,
            startingPosition: .trimHorizon,
            parallelizationFactor: lanes,
            tumblingWindowSeconds: window,
            filterPatterns: filters
        )
    }

    @Test(arguments: [1, 4])
    func `the checkpoint moves over records of which none passes the filter`(lanes: Int) async throws {
        let numbers = try (0..<5).map { try log.append(key: "key-\($0)", to: shard) }
        let handler = ClosureHandler()

        let filtered = source(lanes: lanes, filters: [#"{"partitionKey":["another"]}"#])
        try await run(filtered, .none, handler)

        #expect(commits.events.first?.checkpoint == numbers.last.map { .at($0) })
        #expect(handler.invocations.events.isEmpty)
    }

    @Test(arguments: ["arn:aws-cn:kinesis:cn-north-1:123456789012:stream/flights", nil])
    func `a function is told the stream's ARN as its service has it`(arn: String?) async throws {
        try log.append(key: "a", to: shard)
        let handler = ClosureHandler()

        try await run(source(), .none, handler, streamARN: arn)

        #expect(
            handler.invocations.events.first?.context.streamARN
                == arn ?? ResourceNames().stream(log.name)
        )
    }

    @Test func `the checkpoint reaches what earlier lanes had done before others take over`() async throws {
        let first = try log.append(key: "a", to: shard)
        let last = try log.append(key: "b", to: shard)
        try log.append(key: "c", to: shard)
        let lanes = LaneProgress(count: 2, done: [last, last])

        try await run(source(lanes: 3), ShardProgress(lanes: lanes))

        #expect(first < last)
        #expect(commits.events.first?.checkpoint == .at(last))
    }

    @Test func `a shard whose records have expired still ends its window`() async throws {
        let number = try log.append(key: "a", to: shard)
        log.expire(shard)
        let window = WindowProgress(
            start: Timestamp(milliseconds: 0),
            end: Timestamp(milliseconds: 120_000),
            state: Array("7".utf8)
        )
        let handler = ClosureHandler { _ in .answered(Array(#"{"state":{}}"#.utf8)) }

        try await run(source(window: 120), from: .at(number), ShardProgress(window: window), handler)

        #expect(handler.invocations.events.map(\.window?.isFinal) == [true])
        #expect(commits.events.map(\.progress) == [.set(.none), .keep])
        #expect(commits.events.last?.checkpoint == .shardEnd)
    }
}
