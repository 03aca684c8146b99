import Contracts
import EmbeddedLog
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EmbeddedLogContractTests {
    @Test(arguments: LogSourceContract.rules)
    func `the embedded log keeps the contract of log sources`(
        rule: ContractRule<LogSourceContract.Subject>
    ) async throws {
        let clock = TestClock()
        var options = LogOptions()
        options.clock = clock
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 2)

            try await rule.check(
                LogSourceContract.Subject(
                    source: stream,
                    clock: clock,
                    reshards: LogSourceContract.Reshards(
                        split: { try await stream.split($0, at: try stream.middle(of: $0)).map(\.id) },
                        merge: { try await stream.merge($0, with: $1).id }
                    )
                ) { key, payload, shard in
                    let range = try #require(try stream.listShards().first { $0.id == shard }).hashKeyRange
                    var records = NewRecords()
                    records.append(partitionKey: key, hashKey: range.start, payload: payload)
                    let result = await stream.append(records)
                    #expect(result.isComplete)
                    return result.entries[0].sequenceNumber
                } close: { shard in
                    _ = try await stream.split(shard, at: try stream.middle(of: shard))
                }
            )
        }
    }
}

extension EmbeddedStream {
    /// A hash key in the middle of a shard's.
    func middle(of shard: ShardID) throws -> UInt128 {
        let range = try #require(try listShards().first { $0.id == shard }).hashKeyRange
        return range.start + (range.end - range.start) / 2 + 1
    }
}
