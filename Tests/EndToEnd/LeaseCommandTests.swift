import Foundation
import Testing

extension EndToEnd {
    /// The commands that look at leases and workers, on a running host.
    @Suite struct LeaseCommandTests {
        private static let shard = "shardId-000000000000"

        @Test func `a lease is listed, explained and released, and its shard goes on`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.put(lines: "before", into: "events", folders)
                    try await eventually("the first record is done") {
                        try folders.deliveries().map(\.record.data).contains("before")
                    }

                    try await eventually("the lease is listed") {
                        let listed = try await host.millrace("lease", "list", "--mapping", "recorder")
                        return listed.contains("recorder/\(Self.shard)") && listed.contains("  held  ")
                    }
                    #expect(
                        try await host.millrace("lease", "why", Self.shard).contains(
                            "recorder/\(Self.shard): "
                        )
                    )

                    let released = try await run(
                        Repository.millrace,
                        ["lease", "release", "recorder/\(Self.shard)", "--endpoint", host.endpoint]
                    )
                    #expect(released.isSuccess)
                    #expect(released.standardOutput.isEmpty)
                    #expect(released.standardError.hasPrefix("lease recorder/\(Self.shard) released: "))
                    try await eventually("a worker has the lease again") {
                        try await host.millrace("lease", "list").contains("  held  ")
                    }
                    try await host.put(lines: "after", into: "events", folders)
                    try await eventually("the shard goes on") {
                        try folders.deliveries().map(\.record.data).contains("after")
                    }
                }
            }
        }

        @Test(arguments: [
            (["lease", "why", "nobody/shard"], "error: there is no lease nobody/shard"),
            (["lease", "release", "nobody/shard"], "error: there is no lease nobody/shard"),
            (["worker", "drain", "nobody"], "error: there is no worker nobody"),
        ])
        func `what is not there is an error that says what there is`(
            words: [String],
            message: String
        ) async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let finished = try await run(Repository.millrace, words + ["--endpoint", host.endpoint])

                    #expect(finished.end == .exited(1))
                    #expect(finished.standardOutput.isEmpty)
                    #expect(finished.standardError.hasPrefix(message))
                    #expect(try await host.millrace("worker", "list").hasPrefix("WORKER "))
                }
            }
        }
    }
}
