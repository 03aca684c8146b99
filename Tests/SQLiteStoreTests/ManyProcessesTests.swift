import Foundation
import SQLiteStore
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ManyProcessesTests {
    @Test func `four processes that write without a pause all make progress`() async throws {
        try await withDatabase { database, directory in
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            let store = SQLiteLeaseStore(database)
            try await store.add((0..<4).map { .start($0) }, to: mapping)
            var lines = PeerLines()
            let peers = try (0..<4).map { shard in
                try StorePeer(["write", directory, mapping.text, "\(shard)", "2000"], output: lines.input)
            }
            try lines.input.close()
            for _ in peers { #expect(lines.next() == "ready") }

            for peer in peers { try peer.closeInput() }
            var progress: [Int: Int] = [:]
            var progressAtFirstEnd: [Int: Int]?
            var ended = 0
            while ended < peers.count, let line = lines.next() {
                let words = line.split(separator: " ")
                let shard = try #require(words.first.flatMap { Int($0) })
                if let number = Int(words[1]) {
                    progress[shard] = number
                } else {
                    ended += 1
                    progressAtFirstEnd = progressAtFirstEnd ?? progress
                }
            }
            for peer in peers { peer.process.waitUntilExit() }

            #expect(peers.map(\.process.terminationStatus) == [0, 0, 0, 0])
            // All began at the same time; a starved one would still be at its first checkpoints.
            #expect(try #require(progressAtFirstEnd).filter { $0.value >= 100 }.count == 4)
            let checkpoints = try await store.leases(of: mapping).map(\.checkpoint)
            #expect(checkpoints == Array(repeating: .at(2000), count: 4))
        }
    }

    /// Rounds follow one another without a pause: workers that rest between them get in each other's way less.
    @Test func `four processes renew a thousand leases, none later than half the failover time`() async throws
    {
        try await withDatabase { database, directory in
            let mapping = try await FunctionRegistry(database).mappings(
                of: .named("orders", streams: ["first"])
            )[0].id
            let store = SQLiteLeaseStore(database)
            try await store.add((0..<1000).map { .start($0) }, to: mapping)
            var lines = PeerLines()
            let peers = try stride(from: 0, to: 1000, by: 250).map { first in
                try StorePeer(
                    ["renew", directory, mapping.text, "\(first)", "250", "30"],
                    output: lines.input
                )
            }
            try lines.input.close()
            for _ in peers { #expect(lines.next() == "ready") }

            for peer in peers { try peer.closeInput() }
            let waits = try await onOwnThread { [lines] in
                var lines = lines
                var waits: [Double] = []
                while let line = lines.next() {
                    print("renewals of shards from \(line) ms")
                    waits.append(try #require(Double(line.split(separator: " ")[2])))
                }
                return waits
            }
            for peer in peers { peer.process.waitUntilExit() }

            #expect(peers.map(\.process.terminationStatus) == [0, 0, 0, 0])
            #expect(waits.count == 4)
            #expect(waits.allSatisfy { $0 < 5000 })
            let rows = try await store.leases(of: mapping)
            #expect(rows.allSatisfy { $0.counter >= 31 })
            #expect(Set(rows.compactMap(\.owner)).count == 4)
        }
    }

    @Test func `a second host gets the name of the first, until that one has died`() async throws {
        try await withTemporaryDirectory { directory in
            var lines = PeerLines()
            let peer = try StorePeer(["hold", directory, "http://127.0.0.1:4600"], output: lines.input)
            try lines.input.close()
            #expect(lines.next() == "ready")

            let failure = #expect(throws: DataDirectoryInUse.self) {
                try DataDirectoryLock(directory: directory)
            }
            let holder = try #require(try DataDirectoryLock.holder(of: directory))
            kill(peer.process.processIdentifier, SIGKILL)
            peer.process.waitUntilExit()

            #expect(holder.processID == peer.process.processIdentifier)
            #expect(holder.address == "http://127.0.0.1:4600")
            let message = "\(try #require(failure))"
            #expect(message.contains("data directory \(directory) is in use by process \(holder.processID)"))
            #expect(message.contains("listening on http://127.0.0.1:4600"))
            #expect(try DataDirectoryLock.holder(of: directory) == nil)
            _ = try DataDirectoryLock(directory: directory)
        }
    }
}
