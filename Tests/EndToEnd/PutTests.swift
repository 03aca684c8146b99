import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What `millrace stream put` does with input that is not just a file of lines.
    @Suite struct PutTests {
        @Test func `standard input is put as it comes, before it ends`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    let input = Pipe.toChild()
                    let put = try ChildProcess(
                        Repository.millrace,
                        ["stream", "put", "events", "-", "--endpoint", host.endpoint],
                        standardInput: input.fileHandleForReading
                    )
                    defer { put.signal(SIGKILL) }

                    try input.fileHandleForWriting.write(contentsOf: Data("one\n\ntwo\nthr".utf8))
                    try await eventually("the whole lines are put") {
                        try await host.millrace("stream", "tail", "events", "--once") == "one\ntwo\n"
                    }
                    #expect(put.isRunning)

                    try input.fileHandleForWriting.write(contentsOf: Data("ee".utf8))
                    try input.fileHandleForWriting.close()
                    #expect(try await put.end() == .exited(0))
                    #expect(put.standardError.text.contains("put 3 records"))
                    #expect(
                        try await host.millrace("stream", "tail", "events", "--once") == "one\ntwo\nthree\n"
                    )
                }
            }
        }

        @Test func `a wrong line is named by its number, with how many records are stored before it`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                let file = folders.root + "/lines"
                // One call takes 500 records: it is over when the 501st has been read.
                let lines = (1...501).map { #"{"id":\#($0)}"# } + ["", "not JSON"]
                try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")

                    let refused = try await put(file, on: host, "--partition-key", "id")

                    #expect(refused.end == .exited(1))
                    #expect(
                        refused.standardError.contains("error: line 503 of \(file) is not a JSON object\n")
                    )
                    #expect(refused.standardError.contains(" 500 records are stored\n"))
                    let stored = try await host.millrace("stream", "tail", "events", "--once")
                    #expect(stored.split(separator: "\n").count == 500)
                }
            }
        }

        @Test func `a record that is too large is named by its line`() async throws {
            try await HostFolders.withFresh { folders in
                let file = folders.root + "/lines"
                let large = String(repeating: "x", count: 10 * 1024 * 1024 - 256)
                try "a\n\n\(large)\n\(large)x".write(toFile: file, atomically: true, encoding: .utf8)
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")

                    let refused = try await put(file, on: host)

                    #expect(refused.end == .exited(1))
                    #expect(refused.standardError.contains("error: line 4 of \(file) exceeds 10 MiB"))
                    #expect(refused.standardError.contains("1 records are stored\n"))
                    #expect(try await host.millrace("stream", "tail", "events", "--once") == "a\n")
                }
            }
        }

        private func put(_ file: String, on host: HostProcess, _ options: String...) async throws
            -> FinishedCommand
        {
            try await run(
                Repository.millrace,
                ["stream", "put", "events", file, "--endpoint", host.endpoint] + options
            )
        }
    }
}
