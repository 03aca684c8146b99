import Contracts
import EmbeddedLog
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
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
                LogSourceContract.Subject(source: stream, clock: clock) { key, payload, shard in
                    let range = try #require(try stream.listShards().first { $0.id == shard }).hashKeyRange
                    var records = NewRecords()
                    records.append(partitionKey: key, hashKey: range.start, payload: payload)
                    let result = await stream.append(records)
                    #expect(result.isComplete)
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
                }
            )
        }
    }
}
