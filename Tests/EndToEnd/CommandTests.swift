import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The `millrace` command as a client of a running host.
    @Suite struct CommandTests {
        @Test func `a command says plainly that no host is running`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in _ = try await host.stop() }
                let port = try ReservedPort()
                let endpoint = "http://127.0.0.1:\(port.number)"

                for place in [["--endpoint", endpoint], ["--data", folders.data]] {
                    let finished = try await run(Repository.millrace, ["stream", "list"] + place)

                    #expect(finished.end == .exited(1))
                    #expect(finished.standardOutput.isEmpty)
                    #expect(finished.standardError.contains("millrace serve"))
                    #expect(finished.standardError.contains(place[1]))
                }
                _ = port
            }
        }

        @Test func `a file is put line by line and comes out of the tail`() async throws {
            try await HostFolders.withFresh { folders in
                let file = folders.root + "/orders.jsonl"
                try #"{"customer":"a","order":1}"#.appending("\n").appending(#"{"customer":"b","order":2}"#)
                    .appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "orders", "--shards", "2")
                    #expect(try await host.millrace("stream", "list").contains("orders"))
                    #expect(
                        try await host.millrace("stream", "describe", "orders").contains(
                            "shardId-000000000001"
                        )
                    )

                    try await host.millrace("stream", "put", "orders", file, "--partition-key", "customer")

                    let printed = try await host.millrace("stream", "tail", "orders", "--once")
                    #expect(
                        printed.split(separator: "\n").sorted() == [
                            #"{"customer":"a","order":1}"#, #"{"customer":"b","order":2}"#,
                        ]
                    )
                }
            }
        }

        @Test(arguments: [
            ["strem", "list"], ["stream", "lst"], ["stream", "put"], ["stream", "list", "--nope"],
            ["stream", "create", "s", "--retention", "9w"], ["serve", "--listen", "0.0.0.0:0"],
        ])
        func `wrong usage is an error with exit code 64`(words: [String]) async throws {
            let finished = try await run(Repository.millrace, words)

            #expect(finished.end == .exited(64))
            #expect(finished.standardOutput.isEmpty)
            #expect(finished.standardError.hasPrefix("error: "))
        }

        @Test func `a misspelt command brings the one that was probably meant`() async throws {
            let finished = try await run(Repository.millrace, ["strem", "list"])

            #expect(
                finished.standardError == """
                    error: millrace has no command strem
                    hint: did you mean `millrace stream`?

                    """
            )
        }

        @Test func `a stream is created with its retention`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "orders", "--retention", "7d")

                    let shown = try await host.millrace("stream", "describe", "orders")
                    #expect(shown.contains("retention  168 h\n"))
                }
            }
        }

        @Test(arguments: [("none", "none"), ("2h", "2 h")])
        func `a stream is created with a retention that the Kinesis API has no word for`(
            retention: String,
            shown: String
        ) async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "orders", "--retention", retention)

                    let described = try await host.millrace("stream", "describe", "orders")
                    #expect(described.contains("retention  \(shown)\n"))
                    let listed = try await host.millrace("stream", "list")
                    #expect(listed.contains(shown))
                }
            }
        }

        @Test func `a running host is found by its data directory`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { _ in
                    let listed = try await run(
                        Repository.millrace,
                        ["function", "list", "--data", folders.data]
                    )

                    #expect(listed.isSuccess)
                    #expect(listed.standardOutput.contains("recorder"))
                }
            }
        }
    }
}
