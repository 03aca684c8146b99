import Contracts
import EmbeddedLog
import KinesisSource
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct KinesisSourceContractTests {
    @Test(arguments: LogSourceContract.rules)
    func `a stream behind the Kinesis API keeps the contract of log sources`(
        rule: ContractRule<LogSourceContract.Subject>
    ) async throws {
        try await check(rule, fanOut: nil)
    }

    @Test(arguments: LogSourceContract.rules)
    func `a stream whose records are pushed keeps the contract of log sources`(
        rule: ContractRule<LogSourceContract.Subject>
    ) async throws {
        try await check(rule, fanOut: "contract")
    }

    private func check(_ rule: ContractRule<LogSourceContract.Subject>, fanOut: String?) async throws {
        let clock = TestClock()
        try await LogServer.with(clock: HurriedClock()) { server in
            let stream = try server.log.createStream("flights", shardCount: 2)
            let source = try server.source("flights", fanOut: fanOut, clock: clock)

            try await rule.check(
                LogSourceContract.Subject(
                    source: source,
                    clock: clock,
                    patience: fanOut == nil ? .zero : .seconds(60)
                ) { key, payload, shard in
                    let range = try #require(try stream.listShards().first { $0.id == shard }).hashKeyRange
                    var records = NewRecords()
                    records.append(partitionKey: key, hashKey: range.start, payload: payload)
                    let result = await stream.append(records)
                    #expect(result.isComplete)
                    // Whoever waits asks again now and then.
                    clock.advance(by: KinesisPacing.onDemand.idleInterval)
                    return result.entries[0].sequenceNumber
                } close: { shard in
                    let range = try #require(try stream.listShards().first { $0.id == shard }).hashKeyRange
                    let middle = range.start + (range.end - range.start) / 2
                    _ = try await stream.replace(
                        [shard],
                        with: [
                            HashKeyRange(start: range.start, end: middle),
                            HashKeyRange(start: middle + 1, end: range.end),
                        ]
                    )
                    clock.advance(by: KinesisPacing.onDemand.idleInterval)
                }
            )
        }
    }

    @Test func `parents come before children, and all pages are read`() async throws {
        try await LogServer.with { server in
            let stream = try server.log.createStream("flights", shardCount: 1_500)
            let first = try #require(try stream.listShards().first)
            let middle = first.hashKeyRange.start + (first.hashKeyRange.end - first.hashKeyRange.start) / 2
            _ = try await stream.replace(
                [first.id],
                with: [
                    HashKeyRange(start: first.hashKeyRange.start, end: middle),
                    HashKeyRange(start: middle + 1, end: first.hashKeyRange.end),
                ]
            )

            let shards = try await server.source("flights").shards()

            #expect(shards.count == 1_502)
            #expect(Set(shards) == Set(try stream.listShards()))
            let parent = try #require(shards.firstIndex { $0.id == first.id })
            #expect(shards.enumerated().allSatisfy { !$1.parents.contains(first.id) || $0 > parent })
        }
    }

    @Test func `a missing stream is told apart from a missing shard`() async throws {
        try await LogServer.with { server in
            _ = try server.log.createStream("flights", shardCount: 1)

            await #expect(throws: StreamNotFound.self) { _ = try await server.source("others").shards() }
            await #expect(throws: StreamNotFound.self) {
                _ = try await server.source("others").reader(of: ShardID(number: 0), from: .trimHorizon)
            }
            await #expect(throws: ShardNotFound.self) {
                _ = try await server.source("flights").reader(of: ShardID(number: 7), from: .trimHorizon)
            }
        }
    }
}

/// Leaps at every look: by it no subscription is too young to be followed by another one of its shard.
private final class HurriedClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let ahead = Mutex(Duration.zero)

    var now: Instant {
        let ahead = ahead.withLock { ahead in
            ahead += .seconds(10)
            return ahead
        }
        return ContinuousClock.now + ahead
    }

    var minimumResolution: Duration { ContinuousClock().minimumResolution }

    /// As long as it is to be: who sleeps leaves the leaps out.
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let ahead = ahead.withLock(\.self)
        try await ContinuousClock().sleep(until: deadline - ahead, tolerance: tolerance)
    }
}
