import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct WorkerTests {
        private let shards = 4
        private let batchSize = 100

        @Test func `a worker beside a host takes half of its shards, and gives them back without a repeat`()
            async throws
        {
            try await withRecorder { folders, host in
                let stopped = try await WorkerProcess.with("second", ["--data", folders.data]) { worker in
                    try await host.waitUntil(worker.name, has: shards / 2)
                    try await produce(1000, prefix: "a", to: host, folders)
                    try await eventually("the host's own worker and the one beside it are listed") {
                        let listed = try await host.millrace("worker", "list").split(separator: "\n")
                        return listed.count == 3
                            && listed.contains { $0.hasPrefix("second ") && $0.contains(" live ") }
                    }

                    try await host.millrace("worker", "drain", worker.name)
                    #expect(try await worker.process.end() == .exited(0))
                    #expect(worker.process.standardError.text.contains("worker is asked to drain"))
                    return worker.process.stoppedBatches
                }
                try await produce(1000, prefix: "b", to: host, folders)

                let history = try await history(of: host, folders)
                #expect(history.lost.isEmpty)
                #expect(history.repeatCount <= (stopped + host.process.stoppedBatches) * batchSize)
                #expect(history.keysOutOfOrder == [])
            }
        }

        @Test func `a killed worker's shards go on at the host, at most the batches in flight again`()
            async throws
        {
            try await withRecorder { folders, host in
                let stopped = try await WorkerProcess.with("second", ["--data", folders.data]) { worker in
                    try await host.waitUntil(worker.name, has: shards / 2)
                    try await produce(2000, prefix: "a", to: host, folders)

                    worker.process.signal(SIGKILL)
                    try await host.waitUntil(worker.name, has: 0)
                    return worker.process.stoppedBatches
                }
                try await produce(1000, prefix: "b", to: host, folders)

                let history = try await history(of: host, folders)
                #expect(history.lost.isEmpty)
                let again = shards / 2 + stopped + host.process.stoppedBatches
                #expect(history.repeatCount <= again * batchSize)
                #expect(history.keysOutOfOrder == [])
            }
        }

        @Test func `a worker waits for a host that was killed, and goes on where the next one listens`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(batchSize: batchSize)
                let first = try await HostProcess.start(in: folders)
                defer { first.process.signal(SIGKILL) }
                try await first.millrace("stream", "create", "events", "--shards", "\(shards)")
                try await WorkerProcess.with("second", ["--data", folders.data]) { worker in
                    try await first.waitUntil(worker.name, has: shards / 2)

                    try await first.killAtOnce()
                    try await eventually("the worker says that the host is gone") {
                        worker.process.standardError.text.contains(
                            "nobody serves the data directory: waiting"
                        )
                    }
                    try await HostProcess.withHost(in: folders) { host in
                        try await host.waitUntil(worker.name, has: shards / 2)
                        try await produce(1000, prefix: "a", to: host, folders)

                        let history = try await history(of: host, folders)
                        #expect(history.lost.isEmpty)
                        let stopped = worker.process.stoppedBatches + host.process.stoppedBatches
                        #expect(history.repeatCount <= stopped * batchSize)
                        #expect(try await worker.stop() == .exited(0))
                    }
                }
            }
        }

        @Test func `workers on a Kinesis endpoint share leases in a directory of their own`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    try folders.addRecorder(batchSize: batchSize)
                    try await host.millrace("stream", "create", "events", "--shards", "\(shards)")
                    let options = [
                        "--stream-endpoint", host.endpoint, "--functions", folders.functions,
                        "--data", folders.root + "/workers",
                    ]
                    let keys = ["AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"]
                    let stopped = try await WorkerProcess.with("first", options, environment: keys) { first in
                        // A host that knows no keys asks for none.
                        try await WorkerProcess.with("second", options) { second in
                            try await produce(2000, prefix: "a", to: host, folders)
                            try await eventually("every record is handed to a function") {
                                Set(try folders.deliveries().map(\.record)).count == 2000
                            }

                            let data = folders.root + "/workers"
                            for name in [first.name, second.name] {
                                try await eventually("\(name) is live") {
                                    try await look("worker", "list", in: data).contains {
                                        $0.hasPrefix("\(name) ") && $0.contains(" live ")
                                    }
                                }
                            }
                            #expect(try await look("lease", "list", in: data).count == 1 + shards)
                            _ = try await look("worker", "drain", first.name, in: data)
                            #expect(try await first.process.end() == .exited(0))
                            #expect(try await second.stop() == .exited(0))
                            return first.process.stoppedBatches + second.process.stoppedBatches
                        }
                    }
                    let history = DeliveryHistory(
                        log: try await host.readStream(),
                        deliveries: try folders.deliveries()
                    )
                    #expect(history.lost.isEmpty)
                    #expect(history.repeatCount <= stopped * batchSize)
                    #expect(history.keysOutOfOrder == [])
                }
            }
        }

        @Test(
            arguments: [
                (["--functions", "f"], "--functions needs --stream-endpoint"),
                (["--fan-out", "f"], "--fan-out needs --stream-endpoint"),
                (["--lease-store", "dynamodb://eu-west-1/app"], "--lease-store needs --stream-endpoint"),
                (["--lease-store", "sqlite://app"], "'sqlite://app' is invalid for '--lease-store"),
                (["--stream-endpoint", "http://localhost:1"], "--stream-endpoint needs --functions"),
                (["--stream-endpoint", "kinesis", "--functions", "f"], "is no http or https URL: kinesis"),
                (["--max-leases", "0"], "must be at least 1"),
            ]
        )
        func `options that do not go together are refused`(options: [String], message: String) async throws {
            let finished = try await run(Repository.millrace, ["worker"] + options)

            #expect(finished.end == .exited(64))
            #expect(finished.standardError.contains(message), "\(finished.standardError)")
        }

        @Test func `a worker finds no work in a directory that no host has ever served`() async throws {
            try await HostFolders.withFresh { folders in
                let finished = try await run(Repository.millrace, ["worker", "--data", folders.data])

                #expect(finished.end == .exited(1))
                #expect(finished.standardError.contains("no host has ever served"))
                #expect(!FileManager.default.fileExists(atPath: folders.data))
            }
        }

        // MARK: - Steps

        /// Lends a host with a function on a stream.
        private func withRecorder(_ body: (HostFolders, HostProcess) async throws -> Void) async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder(batchSize: batchSize)
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "\(shards)")
                    try await body(folders, host)
                }
            }
        }

        /// The lines that a command prints which finds no host at a data directory.
        private func look(_ words: String..., in directory: String) async throws -> [Substring] {
            let finished = try await run(Repository.millrace, words + ["--data", directory])
            #expect(finished.isSuccess, "\(finished.standardError)")
            return finished.standardOutput.split(separator: "\n")
        }

        private func produce(
            _ count: Int,
            prefix: String,
            to host: HostProcess,
            _ folders: HostFolders
        ) async throws {
            try await host.python(
                "produce.py",
                "events",
                folders.acknowledgedFile,
                "--records",
                "\(count)",
                "--prefix",
                prefix
            )
        }

        private func history(of host: HostProcess, _ folders: HostFolders) async throws -> DeliveryHistory {
            let log = try await host.readStream()
            try await host.waitUntilProcessed(log, in: folders)
            return DeliveryHistory(log: log, deliveries: try folders.deliveries())
        }
    }
}
