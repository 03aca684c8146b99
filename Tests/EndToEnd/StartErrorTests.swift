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

        @Test func `a folder of functions without a function is refused`() async throws {
            try await HostFolders.withFresh { folders in
                let arguments = ["serve", "--data", folders.data, "--functions", folders.functions]

                let refused = try await run(Repository.millrace, arguments)

                let expected = "error: \(folders.functions): no subfolder has a function.yaml"
                #expect(refused.end == .exited(1))
                #expect(refused.standardError.hasPrefix(expected))
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
                let arguments = ["serve", "--data", file + "/data", "--listen", "127.0.0.1:0"]

                let refused = try await run(Repository.millrace, arguments)

                #expect(refused.end == .exited(1))
                #expect(refused.standardError.hasPrefix("error: "))
                #expect(refused.standardError.contains(file + "/data"))
            }
        }

        @Test func `an address that other machines reach is refused`() async throws {
            try await HostFolders.withFresh { folders in
                let refused = try await serve(folders, listen: "0.0.0.0:0")

                #expect(refused.end == .exited(64))
                #expect(refused.standardError.hasPrefix("error: cannot listen on 0.0.0.0"))
                #expect(!FileManager.default.fileExists(atPath: folders.data))
            }
        }

        @Test func `a data directory that cannot be written is named`() async throws {
            try await HostFolders.withFresh { folders in
                try FileManager.default.createDirectory(
                    atPath: folders.data,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o555]
                )

                let refused = try await serveObeyingPermissions(folders)

                #expect(refused.end == .exited(1))
                #expect(refused.standardError.hasPrefix("error: "))
                #expect(refused.standardError.contains(folders.data))
            }
        }

        @Test func `a log whose place is taken by a file is named`() async throws {
            try await HostFolders.withFresh { folders in
                try FileManager.default.createDirectory(
                    atPath: folders.data,
                    withIntermediateDirectories: true
                )
                try "".write(toFile: folders.data + "/log", atomically: true, encoding: .utf8)

                let refused = try await serve(folders)

                #expect(refused.end == .exited(1))
                #expect(refused.standardError == "error: \(folders.data)/log cannot be used: File exists\n")
            }
        }

        /// Root may write anywhere, so a host that root starts gives that up first; it stays root and can still be
        /// executed wherever it lies.
        private func serveObeyingPermissions(_ folders: HostFolders) async throws -> FinishedCommand {
            guard geteuid() == 0 else { return try await serve(folders) }
            let capabilities = "-dac_override,-dac_read_search"
            return try await run(
                URL(fileURLWithPath: "/usr/bin/setpriv"),
                ["--bounding-set", capabilities, "--inh-caps", capabilities, Repository.millrace.path]
                    + HostProcess.serveArguments(folders)
            )
        }

        private func serve(_ folders: HostFolders, listen: String = "127.0.0.1:0") async throws
            -> FinishedCommand
        {
            try await run(Repository.millrace, HostProcess.serveArguments(folders, listen: listen))
        }
    }
}
