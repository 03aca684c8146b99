import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Functions that come, change and go while the host runs.
    @Suite struct FunctionTests {
        @Test func `a function is registered, shown, listed and removed on a running host`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                let folder = try folders.moveRecorderAside()
                try await HostProcess.withHost(in: folders) { host in
                    #expect(try await !host.millrace("function", "list").contains("recorder"))

                    try await host.millrace("function", "register", folder)

                    #expect(try await host.millrace("function", "list").contains("recorder"))
                    let shown = try await host.millrace("function", "show", "recorder")
                    #expect(shown.contains("provided.al2023"))
                    #expect(shown.contains(folder))
                    #expect(shown.contains("events"))
                    let mappings = try await host.millrace("mapping", "list")
                    #expect(mappings.contains("recorder"))
                    #expect(mappings.contains("events"))

                    try await host.millrace("function", "remove", "recorder")

                    #expect(try await !host.millrace("function", "list").contains("recorder"))
                    #expect(try await !host.millrace("mapping", "list").contains("recorder"))
                    await #expect(throws: CommandFailed.self) {
                        try await host.millrace("function", "show", "recorder")
                    }
                }
            }
        }

        @Test func `a folder that is registered again after its code changed runs the new code`() async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.put(lines: "old", into: "events", folders)
                    try await eventually("the old code runs") { try !folders.deliveries().isEmpty }

                    let folder = folders.functions + "/recorder"
                    let code = try String(contentsOfFile: folder + "/bootstrap", encoding: .utf8)
                    // Written in place: the file stays executable.
                    let file = try #require(FileHandle(forWritingAtPath: folder + "/bootstrap"))
                    try file.truncate(atOffset: 0)
                    try file.write(
                        contentsOf: Data(
                            code.replacingOccurrences(of: "deliveries.jsonl", with: "renewed.jsonl").utf8
                        )
                    )
                    try file.close()
                    try await waitUntilClosed(folder + "/bootstrap")
                    try await host.millrace("function", "register", folder)
                    try await host.put(lines: "new", into: "events", folders)

                    try await eventually("the new code runs") {
                        try folders.deliveries(in: "renewed.jsonl").map(\.record.data).contains("new")
                    }
                    #expect(Set(try folders.deliveries().map(\.record.data)) == ["old"])
                }
            }
        }
    }
}

extension HostFolders {
    /// Takes the recorder out of the folder that the host registers when it starts.
    ///
    /// - Returns: Its new folder.
    fileprivate func moveRecorderAside() throws -> String {
        let folder = root + "/recorder"
        try FileManager.default.moveItem(atPath: functions + "/recorder", toPath: folder)
        return folder
    }
}

extension HostProcess {
    /// Puts each line as one record.
    func put(lines: String, into stream: String, _ folders: HostFolders) async throws {
        let file = folders.root + "/lines"
        try lines.write(toFile: file, atomically: true, encoding: .utf8)
        try await millrace("stream", "put", stream, file)
    }
}
