import Foundation
import Testing

extension EndToEnd {
    @Suite struct DeliveryTests {
        @Test func `every record reaches its function once, in order per partition key`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "4")

                    try await host.python(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "6000"
                    )
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(log.count == 6000)
                    #expect(Set(log) == Set(try folders.acknowledged()))
                    #expect(Set(log.map(\.shard)).count == 4)
                    #expect(history.lost.isEmpty)
                    #expect(history.invented.isEmpty)
                    #expect(history.repeatCount <= host.process.stoppedBatches * 100)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }

        @Test func `a batch that failed is delivered again, and nothing of its shard overtakes it`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(fault: RecorderFault(kind: .fail, data: "k3:20"))
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "2")

                    try await host.python(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "2000"
                    )
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(history.lost.isEmpty)
                    let stopped = host.process.stoppedBatches
                    #expect((2...2 + stopped).contains(history.deliveryCount(ofData: "k3:20")))
                    #expect(history.repeatCount <= (1 + stopped) * 100)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }

        @Test func `a host that need not sync before it answers delivers every record just as well`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders, ["--durability", "relaxed"]) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "2")

                    try await host.python(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "2000"
                    )
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(log.count == 2000)
                    #expect(history.lost.isEmpty)
                    #expect(history.repeatCount <= host.process.stoppedBatches * 100)
                    #expect(history.keysOutOfOrder == [])
                    #expect(try await host.stop() == .exited(0))
                }
            }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func `a host that is told to stop finishes the batch in flight and checkpoints it`(signal: Int32)
            async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(fault: RecorderFault(kind: .wait, data: "k0:0"))
                let release = folders.output + "/release"
                try #require(mkfifo(release, 0o600) == 0)
                let (first, stopped) = try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.python(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "400"
                    )
                    try await eventually("the function holds a batch") {
                        FileManager.default.fileExists(atPath: folders.output + "/waiting")
                    }

                    host.process.signal(signal)
                    let pipe = try #require(FileHandle(forWritingAtPath: release))
                    try pipe.close()

                    #expect(try await host.process.end() == .exited(0))
                    return (try folders.deliveries(), host.process.stoppedBatches)
                }
                #expect(!first.isEmpty)

                try await HostProcess.withHost(in: folders) { host in
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(history.lost.isEmpty)
                    #expect(history.repeatCount <= (stopped + host.process.stoppedBatches) * 100)
                    #expect(try await host.stop() == .exited(0))
                }
            }
        }

        @Test func `a second signal ends a host at once, and the batch in flight runs again`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(fault: RecorderFault(kind: .wait, data: "k0:0"))
                try #require(mkfifo(folders.output + "/release", 0o600) == 0)
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.python(
                        "produce.py",
                        "events",
                        folders.acknowledgedFile,
                        "--records",
                        "400"
                    )
                    try await eventually("the function holds a batch") {
                        FileManager.default.fileExists(atPath: folders.output + "/waiting")
                    }

                    host.process.signal(SIGTERM)
                    try await eventually("the host drains") {
                        try await host.millrace("mapping", "list").contains("draining")
                    }
                    host.process.signal(SIGTERM)

                    #expect(try await host.process.end() == .exited(1))
                }

                try await HostProcess.withHost(in: folders) { host in
                    let log = try await host.readStream()
                    try await host.waitUntilProcessed(log, in: folders)

                    let history = DeliveryHistory(log: log, deliveries: try folders.deliveries())
                    #expect(history.lost.isEmpty)
                    let stopped = host.process.stoppedBatches
                    #expect((2...2 + stopped).contains(history.deliveryCount(ofData: "k0:0")))
                }
            }
        }
    }
}
