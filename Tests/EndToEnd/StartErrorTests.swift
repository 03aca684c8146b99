import Foundation
import Testing

extension EndToEnd {
    /// What `millrace serve` says when it cannot start.
    @Suite struct StartErrorTests {
        @Test func `a wrong function.yaml is refused with its file, line and the nearest name`() async throws
        {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                let wrong = folders.functions + "/wrong"
                try FileManager.default.createDirectory(atPath: wrong, withIntermediateDirectories: true)
                try """
                FunctionName: wrong
                Runtime: provided.al2023
                Timout: 3
                """.write(toFile: wrong + "/function.yaml", atomically: true, encoding: .utf8)

                let refused = try await serve(folders)

                #expect(refused.end == .exited(1))
                #expect(refused.standardError.contains("\(wrong)/function.yaml:3"))
                #expect(refused.standardError.contains("Timout"))
                #expect(refused.standardError.contains("Timeout"))

                try FileManager.default.removeItem(atPath: folders.functions)
                try FileManager.default.createDirectory(
                    atPath: folders.functions,
                    withIntermediateDirectories: true
                )
                try await HostProcess.withHost(in: folders) { host in
                    let functions = try await host.millrace("function", "list")
                    #expect(!functions.contains("recorder"))
                }
            }
        }

        @Test func `a port in use is named`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let address = String(host.endpoint.dropFirst("http://".count))
                    try await HostFolders.withFresh { others in
                        let refused = try await serve(others, listen: address)

                        #expect(refused.end == .exited(1))
                        #expect(refused.standardError.contains(address))
                    }
                }
            }
        }

        @Test func `a second host on the same data directory is told who holds it`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let refused = try await serve(folders)

                    #expect(refused.end == .exited(1))
                    #expect(refused.standardError.contains("\(host.process.pid)"))
                    #expect(refused.standardError.contains(folders.data))
                }
            }
        }

        @Test func `a data directory that cannot be made is named`() async throws {
            try await HostFolders.withFresh { folders in
                // Below a file: no user may make a folder there, root neither.
                let file = folders.root + "/file"
                try "".write(toFile: file, atomically: true, encoding: .utf8)
                let arguments = ["serve", "--data", file + "/data", "--functions", folders.functions]

                let refused = try await run(Repository.millrace, arguments + ["--listen", "127.0.0.1:0"])

                #expect(refused.end == .exited(1))
                #expect(refused.standardError.contains(file + "/data"))
            }
        }

        private func serve(_ folders: HostFolders, listen: String = "127.0.0.1:0") async throws
            -> FinishedCommand
        {
            try await run(Repository.millrace, HostProcess.serveArguments(folders, listen: listen))
        }
    }
}
