import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct CrashTests {
        private let shards = 4
        private let batchSize = 100

        @Test func `a handler killed in the middle of a batch costs that batch one attempt`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(
                    batchSize: batchSize,
                    fault: RecorderFault(kind: .killItself, data: "k5:30")
                )
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "\(shards)")

                    try await host.python(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "4000"
                    )
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(log.count == 4000)
                    #expect(history.lost.isEmpty)
                    #expect(history.repeatCount <= batchSize)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }

        @Test func `a host killed between answer and checkpoint repeats at most the batches in flight`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(
                    batchSize: batchSize,
                    fault: RecorderFault(kind: .killHost, data: "k7:40")
                )
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "\(shards)")
                    let producer = try host.startPython(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "4000"
                    )
                    defer { producer.signal(SIGKILL) }

                    #expect(try await host.process.end() == .killed(signal: SIGKILL))
                    try await producer.end()
                }
                #expect(FileManager.default.fileExists(atPath: folders.output + "/fault-done"))

                try await HostProcess.withHost(in: folders) { host in
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(Set(try folders.acknowledged()).isSubset(of: log))
                    #expect(history.lost.isEmpty)
                    #expect(history.invented.isEmpty)
                    #expect(history.deliveryCount(ofData: "k7:40") == 2)
                    #expect(history.repeatCount <= shards * batchSize)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }

        @Test func `a host that replaces a killed one goes on at once, without waiting for leases to expire`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                let killedWorker = try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.put(lines: "before", into: "events", folders)
                    try await host.waitUntilProcessed(host.readStream(), in: folders)
                    let owner = try await host.checkpoints().first?.owner
                    try await host.killAtOnce()
                    return try #require(owner)
                }

                try await HostProcess.withHost(in: folders) { host in
                    #expect(try await host.checkpoints().count == 1)
                    try await host.put(lines: "after", into: "events", folders)
                    try await host.waitUntilProcessed(host.readStream(), in: folders)

                    let owner = try #require(await host.checkpoints().first?.owner)
                    #expect(owner != killedWorker)
                    // By the host's own clock: a lease that must expire first takes 10 s.
                    let served = try #require(host.logTime(of: "serving"))
                    let acquired = try #require(host.logTime(of: "lease acquired"))
                    #expect(acquired.timeIntervalSince(served) < 8)
                }
            }
        }

        @Test func `a host killed during PutRecords loses no acknowledged record`() async throws {
            var random = SeededRandom()
            print("seed \(random.seed)")
            let kills = 4
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(batchSize: batchSize)
                for round in 0..<kills {
                    let target = folders.acknowledgedCount() + Int.random(in: 200...2_000, using: &random)
                    try await HostProcess.withHost(in: folders) { host in
                        if round == 0 {
                            try await host.millrace("stream", "create", "events", "--shards", "\(shards)")
                        }
                        // Keys of its own for each round: numbers then count up from 0 again.
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
                        #expect(try await producer.end() == .exited(0))
                        #expect(producer.standardOutput.text.contains("lost the host"))
                    }
                }

                try await HostProcess.withHost(in: folders) { host in
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(Set(try folders.acknowledged()).isSubset(of: log))
                    #expect(Set(log.map(\.data)).count == log.count)
                    #expect(history.lost.isEmpty)
                    #expect(history.invented.isEmpty)
                    #expect(history.repeatCount <= kills * shards * batchSize)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }
    }
}
