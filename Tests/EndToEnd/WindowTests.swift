import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct WindowTests {
        /// What one tumbling window of one shard comes to.
        private struct Aggregate: Decodable, Hashable {
            let shard: String
            let start: String
            let count: Int
            let sum: Int
        }

        @Test func `aggregates of tumbling windows equal a recomputation, however often the host is killed`()
            async throws
        {
            var random = SeededRandom()
            print("seed \(random.seed)")
            try await HostFolders.withFresh { folders in
                try folders.addPython("windows", options: "BatchSize: 100\nTumblingWindowInSeconds: 1")
                for round in 0..<4 {
                    let target = folders.acknowledgedCount() + Int.random(in: 500...3_000, using: &random)
                    try await HostProcess.withHost(in: folders) { host in
                        if round == 0 {
                            try await host.millrace("stream", "create", "events", "--shards", "2")
                        }
                        let producer = try host.startPython(
                            "produce.py",
                            "events",
                            folders.acknowledgedFile,
                            "--records",
                            "400000",
                            "--prefix",
                            "round\(round)-"
                        )
                        defer { producer.signal(SIGKILL) }
                        try await eventually("\(target) records are acknowledged") {
                            folders.acknowledgedCount() >= target
                        }
                        try await host.killAtOnce()
                        try await producer.end()
                    }
                }

                try await HostProcess.withHost(in: folders) { host in
                    let expected: Set<Aggregate> = Set(
                        try StreamRecord.decodeLines(
                            Data(await host.python("read_windows.py", "events", "1").utf8)
                        )
                    )
                    try await eventually("every window is closed") {
                        Set(try aggregates(folders).map { "\($0.shard) \($0.start)" }).count == expected.count
                    }

                    // A final invocation may be repeated after a kill; it must say the same again.
                    let found = try Set(aggregates(folders))
                    #expect(found == expected)
                    #expect(expected.reduce(0) { $0 + $1.count } >= folders.acknowledgedCount())
                }
            }
        }

        private func aggregates(_ folders: HostFolders) throws -> [Aggregate] {
            let file = folders.output + "/windows.jsonl"
            return StreamRecord.decodeUntornLines(FileManager.default.contents(atPath: file) ?? Data())
        }
    }
}
