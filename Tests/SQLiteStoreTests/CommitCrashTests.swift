import Foundation
import SQLiteStore
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CommitCrashTests {
    @Test func `whenever a worker is killed, checkpoint, progress and failures are of one commit`()
        async throws
    {
        try await withDatabase { database, directory in
            let mapping = try await FunctionRegistry(database).mapping(to: "first")
            let store = SQLiteLeaseStore(database)
            try await store.add([.start(0)], to: mapping)
            let key = LeaseKey(mapping: mapping, shard: ShardID(number: 0))
            var random = SeededRandom()
            print("seed \(random.seed)")
            var reached: UInt64 = 0

            for _ in 0..<8 {
                var lines = PeerLines()
                let peer = try StorePeer(
                    ["fail", directory, mapping.text, "\(reached + 1)"],
                    output: lines.input
                )
                try lines.input.close()
                for _ in 0..<Int.random(in: 1...40, using: &random) { _ = try await lines.next() }
                // Anywhere in a commit.
                usleep(.random(in: 0...2000, using: &random))
                kill(peer.process.processIdentifier, SIGKILL)
                peer.process.waitUntilExit()

                guard case .at(let number) = try await store.row(key).checkpoint else {
                    Issue.record("no commit was carried out")
                    return
                }
                #expect(number.low > reached)
                reached = number.low
                let failed = try await SQLiteFailureStore(database).failures(of: mapping, limit: 10_000)
                let expected = (1...reached).filter { $0.isMultiple(of: 3) }.map { "failure-\($0)" }
                #expect(failed.map(\.failure.id) == expected.reversed())
                let progress = try await store.progress(of: key)
                #expect(progress.window?.state == Array("\(reached)".utf8))
                for id in expected.suffix(3) {
                    let event = try await SQLiteFailureStore(database).failure(id)?.failure.event
                    #expect(event?.count == 20_000)
                }
            }
        }
    }
}
