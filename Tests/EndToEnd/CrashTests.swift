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
                    #expect(history.repeatCount <= (1 + host.process.stoppedBatches) * batchSize)
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
                let stoppedBefore = try await HostProcess.withHost(in: folders) { host in
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
                    return host.process.stoppedBatches
                }
                #expect(FileManager.default.fileExists(atPath: folders.output + "/fault-done"))

                try await HostProcess.withHost(in: folders) { host in
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(Set(try folders.acknowledged()).isSubset(of: log))
                    #expect(history.lost.isEmpty)
                    #expect(history.invented.isEmpty)
                    let stopped = stoppedBefore + host.process.stoppedBatches
                    #expect((2...2 + stopped).contains(history.deliveryCount(ofData: "k7:40")))
                    #expect(history.repeatCount <= (shards + stopped) * batchSize)
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
                    // Seen to be free as soon as it was seen at all: how long that took is the machine's affair.
                    let acquired = try #require(host.logLine(of: "lease acquired"))
                    #expect(acquired.contains("was=orphaned"), "\(acquired)")
                }
            }
        }

        @Test func `a host killed during PutRecords loses no acknowledged record`() async throws {
            var random = SeededRandom()
            print("seed \(random.seed)")
            let kills = 4
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(batchSize: batchSize)
                var stopped = 0
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
                            "round\(round)-",
                            "--until-lost"
                        )
                        defer { producer.signal(SIGKILL) }
                        try await eventually("\(target) records are acknowledged") {
                            folders.acknowledgedCount() >= target
                        }

                        try await host.killAtOnce()
                        #expect(try await producer.end() == .exited(0))
                        #expect(producer.standardOutput.text.contains("lost the host"))
                        stopped += host.process.stoppedBatches
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
                    stopped += host.process.stoppedBatches
                    #expect(history.repeatCount <= (kills * shards + stopped) * batchSize)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }
    }
}
