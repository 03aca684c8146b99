import Contracts
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct MemoryLogTests {
    @Test(arguments: LogSourceContract.rules)
    func `a log in memory keeps the contract of log sources`(
        rule: ContractRule<LogSourceContract.Subject>
    ) async throws {
        let clock = TestClock()
        let log = MemoryLog(shardCount: 2, clock: clock, isWatchable: true)

        try await rule.check(
            LogSourceContract.Subject(
                source: log,
                clock: clock,
                reshards: LogSourceContract.Reshards(
                    split: { try log.split($0) },
                    merge: { try log.merge($0, $1) }
                )
            ) { key, payload, shard in
                try log.append(key: key, payload: payload, to: shard)
            } close: { shard in
                try log.close(shard)
            }
        )
    }
}
