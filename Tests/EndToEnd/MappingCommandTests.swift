import Foundation
import Testing

extension EndToEnd {
    /// The commands that change mappings and invoke functions, on a running host.
    @Suite struct MappingCommandTests {
        @Test func `a mapping is created, changed, paused, resumed and removed`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "others", "--shards", "1")

                    let id = try await host.millrace(
                        "mapping",
                        "create",
                        "recorder",
                        "others",
                        "--starting-position",
                        "TRIM_HORIZON",
                        "--batch-size",
                        "7",
                        "--maximum-retry-attempts",
                        "-1"
                    )
                    .trimmingCharacters(in: .newlines)

                    var shown = try await host.millrace("mapping", "show", String(id.prefix(8)))
                    #expect(shown.contains("batch        up to 7 records, sent at once"))
                    #expect(shown.contains("state        Enabled"))
                    #expect(shown.contains("shardId-000000000000"))

                    try await host.millrace("mapping", "update", "recorder/others", "--batch-size", "9")
                    shown = try await host.millrace("mapping", "show", id)
                    #expect(shown.contains("batch        up to 9 records, sent at once"))

                    try await host.millrace("mapping", "pause", id)
                    #expect(try await host.millrace("mapping", "show", id).contains("state        Disabled"))
                    try await host.put(line: "while paused", into: "others", folders)
                    try await host.millrace("mapping", "resume", id)
                    try await eventually("what came meanwhile is worked on") {
                        try folders.deliveries().map(\.record.data).contains("while paused")
                    }

                    try await host.millrace("mapping", "remove", id)
                    #expect(try await !host.millrace("mapping", "list").contains("others"))
                }
            }
        }

        @Test func `a mapping that Lambda refuses is refused in its words`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    let words = ["mapping", "create", "recorder", "absent", "--starting-position", "LATEST"]
                    let refused = try await run(Repository.millrace, words + ["--endpoint", host.endpoint])

                    #expect(refused.end == .exited(1))
                    #expect(refused.standardError.hasPrefix("error: ResourceNotFoundException: "))
                    #expect(refused.standardError.contains("absent"))
                }
            }
        }

        @Test func `a function is invoked, and what it printed is in its log`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    let event = #"{"Records":[]}"#
                    let answer = try await host.millrace("function", "invoke", "recorder", "--payload", event)

                    #expect(!answer.isEmpty)
                    try await eventually("the log has the invocation") {
                        let log = try await host.millrace("function", "logs", "recorder")
                        return log.contains(" START RequestId: ") && log.contains(" REPORT RequestId: ")
                    }
                }
            }
        }

        @Test func `the error of a function goes to stderr, with exit code 1`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    let words = ["function", "invoke", "recorder", "--payload", "[]", "--tail-log"]
                    let failed = try await run(Repository.millrace, words + ["--endpoint", host.endpoint])

                    #expect(failed.end == .exited(1))
                    #expect(failed.standardOutput.isEmpty)
                    #expect(failed.standardError.contains("error: function recorder failed: "))
                }
            }
        }
    }
}

extension HostProcess {
    fileprivate func put(line: String, into stream: String, _ folders: HostFolders) async throws {
        let file = folders.root + "/line"
        try line.write(toFile: file, atomically: true, encoding: .utf8)
        try await millrace("stream", "put", stream, file)
    }
}
