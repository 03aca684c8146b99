import EmbeddedLog
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ManyShardsTests {
    private struct Cost {
        let cpuMilliseconds: Int
        let residentKibibytes: Int
        let openFiles: Int

        init?(_ words: [Substring]) {
            let numbers = words.dropFirst().compactMap { Int($0) }
            guard numbers.count == 4 else { return nil }
            (cpuMilliseconds, residentKibibytes, openFiles) = (numbers[1], numbers[2], numbers[3])
        }
    }

    @Test func `ten thousand shards are idle in a process of little memory, few files and little work`()
        async throws
    {
        let lines = try await withTemporaryDirectory { path in
            try await LogPeer.run(["shards", "\(path)/log", "\(EmbeddedStream.openShardLimit)"])
        }
        print(lines.joined(separator: "\n"))

        let steps = lines.map { $0.split(separator: " ") }
        #expect(
            steps.map { $0[0] } == [
                "begun", "made", "doubled", "split", "closed", "opened", "kept", "waited",
            ]
        )
        let costs = Dictionary(uniqueKeysWithValues: steps.map { ($0[0], Cost($0)) })
        for case let cost? in costs.values {
            #expect(cost.residentKibibytes < 200_000)
            #expect(cost.openFiles < 24)
        }
        // Looking for what has expired is all that an idle log does, once a minute: 3 s of it would be 5 % of a core.
        let kept = try #require(costs["kept"] ?? nil)
        #expect(kept.cpuMilliseconds < 3000)
    }
}
