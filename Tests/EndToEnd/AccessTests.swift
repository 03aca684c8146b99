import Foundation
import Testing

extension EndToEnd {
    /// Who gets into a host that has credentials, and over TLS.
    @Suite struct AccessTests {
        @Test func `boto3 gets in with a key, as far as its role reaches, and with nothing else`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await HostProcess.withHost(in: folders, files.credentialsOptions) { host in
                    let keys = [files.admin, files.producer, files.reader].flatMap { [$0.id, $0.secret] }

                    let checked = try await run(
                        Repository.python,
                        ["-B", Repository.endToEnd.appendingPathComponent("Scripts/check_access.py").path]
                            + [host.endpoint] + keys
                    )

                    #expect(checked.standardOutput == "ok\n", "\(checked.standardError)")
                }
            }
        }

        @Test func `the aws command gets in over TLS, by the right key`() async throws {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await files.makeCertificate()
                try await HostProcess.withHost(in: folders, files.credentialsOptions + files.tlsOptions) {
                    host in
                    #expect(host.endpoint.hasPrefix("https://"))
                    func aws(_ key: AccessFiles.Key, _ words: String...) async throws -> FinishedCommand {
                        try await run(
                            Repository.python,
                            [Repository.clients.appendingPathComponent("aws").path, "kinesis"] + words,
                            environment: [
                                "AWS_ENDPOINT_URL": host.endpoint, "AWS_DEFAULT_REGION": "us-east-1",
                                "AWS_PAGER": "", "AWS_CA_BUNDLE": files.authority,
                                "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                            ].merging(key.environment) { $1 }
                        )
                    }

                    let created = try await aws(files.admin, "create-stream", "--stream-name", "events")
                    let wrong = try await aws(
                        AccessFiles.Key(id: files.admin.id, secret: files.reader.secret),
                        "list-streams"
                    )
                    let denied = try await aws(files.reader, "delete-stream", "--stream-name", "events")

                    #expect(created.isSuccess, "\(created.standardError)")
                    #expect(wrong.standardError.contains("InvalidSignatureException"))
                    #expect(denied.standardError.contains("AccessDeniedException"))
                }
            }
        }

        @Test func `millrace's own commands sign, and trust the authority they are told`() async throws {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await files.makeCertificate()
                try await HostProcess.withHost(in: folders, files.credentialsOptions + files.tlsOptions) {
                    host in
                    func millrace(
                        _ words: [String],
                        _ key: AccessFiles.Key? = files.admin,
                        authority: String? = files.authority
                    ) async throws -> FinishedCommand {
                        try await run(
                            Repository.millrace,
                            words + ["--data", folders.data]
                                + (authority.map { ["--ca-file", $0] } ?? []),
                            environment: key?.environment ?? [:]
                        )
                    }
                    let lines = folders.root + "/lines"
                    try String(repeating: "a line\n", count: 3_000).write(
                        toFile: lines,
                        atomically: true,
                        encoding: .utf8
                    )

                    for words in [
                        ["stream", "create", "events"], ["stream", "list"], ["function", "list"],
                        ["stream", "put", "events", lines],
                    ] {
                        let finished = try await millrace(words)
                        #expect(finished.isSuccess, "\(words): \(finished.standardError)")
                    }
                    let unsigned = try await millrace(["function", "list"], nil)
                    let denied = try await millrace(["stream", "create", "more"], files.reader)
                    let untrusted = try await millrace(["stream", "list"], authority: nil)

                    #expect(unsigned.standardError.contains("Missing Authentication Token"))
                    #expect(denied.standardError.contains("AccessDeniedException"))
                    #expect(untrusted.standardError.contains("is not trusted"))
                    #expect(untrusted.standardError.contains("--ca-file"))
                }
            }
        }

        @Test func `curl signs its way in over TLS`() async throws {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await files.makeCertificate()
                try await HostProcess.withHost(in: folders, files.credentialsOptions + files.tlsOptions) {
                    host in
                    func curl(_ service: String, _ words: String...) async throws -> FinishedCommand {
                        try await run(
                            URL(fileURLWithPath: "/usr/bin/curl"),
                            [
                                "-sS", "--cacert", files.authority, "--aws-sigv4",
                                "aws:amz:us-east-1:\(service)", "--user",
                                "\(files.admin.id):\(files.admin.secret)",
                            ] + words
                        )
                    }

                    let functions = try await curl("millrace", host.endpoint + "/millrace/v1/functions")
                    let streams = try await curl(
                        "kinesis",
                        "-H",
                        "X-Amz-Target: Kinesis_20131202.ListStreams",
                        "-H",
                        "Content-Type: application/x-amz-json-1.1",
                        "-d",
                        "{}",
                        host.endpoint + "/"
                    )

                    #expect(functions.standardOutput == "[]", "\(functions.standardError)")
                    #expect(streams.standardOutput.contains("StreamNames"), "\(streams.standardOutput)")
                }
            }
        }

        @Test func `a key that was removed is refused from then on, without a restart`() async throws {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await HostProcess.withHost(in: folders, files.credentialsOptions) { host in
                    func list() async throws -> FinishedCommand {
                        try await run(
                            Repository.millrace,
                            ["function", "list", "--endpoint", host.endpoint],
                            environment: files.reader.environment
                        )
                    }
                    #expect(try await list().isSuccess)

                    let removed = try await run(
                        Repository.millrace,
                        ["credentials", "remove", files.credentials, files.reader.id]
                    )

                    #expect(removed.isSuccess)
                    #expect(
                        try await list().standardError.contains("this host has no key \(files.reader.id)")
                    )
                    let left = try await run(Repository.millrace, ["credentials", "list", files.credentials])
                    #expect(left.standardOutput.contains(files.admin.id))
                    #expect(!left.standardOutput.contains(files.admin.secret))
                    #expect(!left.standardOutput.contains(files.reader.id))
                }
            }
        }

        @Test func `with credentials a host listens everywhere, and warns that it is not encrypted`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                let host = try ChildProcess(
                    Repository.millrace,
                    HostProcess.serveArguments(folders, listen: "0.0.0.0:0") + files.credentialsOptions
                )
                defer { host.signal(SIGKILL) }

                try await eventually("the host listens") {
                    host.standardError.text.contains("listening on http://127.0.0.1:") || !host.isRunning
                }

                #expect(host.standardError.text.contains("endpoint is not encrypted"))
                let found = try await run(
                    Repository.millrace,
                    ["stream", "list", "--data", folders.data],
                    environment: files.reader.environment
                )
                #expect(found.isSuccess, "\(found.standardError)")
            }
        }

        @Test func `a certificate that ends soon is warned about`() async throws {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await files.makeCertificate(days: 3)
                try await HostProcess.withHost(in: folders, files.tlsOptions) { host in
                    #expect(host.process.standardError.text.contains("TLS certificate expires soon"))
                }
            }
        }

        @Test func `files that cannot be used are named before the host starts`() async throws {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await files.makeCertificate()
                let missing = folders.root + "/missing"
                func refusal(_ options: String...) async throws -> String {
                    let refused = try await run(
                        Repository.millrace,
                        HostProcess.serveArguments(folders) + options
                    )
                    #expect(refused.end != .exited(0))
                    #expect(!FileManager.default.fileExists(atPath: folders.data))
                    return refused.standardError
                }

                #expect(try await refusal("--credentials", missing).contains(missing))
                #expect(try await refusal("--tls-cert", files.certificate).contains("belong together"))
                #expect(
                    try await refusal("--tls-cert", missing, "--tls-key", files.key).contains(
                        "TLS certificate \(missing) cannot be read: No such file or directory"
                    )
                )
                #expect(
                    try await refusal("--tls-cert", files.certificate, "--tls-key", files.authority).contains(
                        "TLS key \(files.authority) cannot be used"
                    )
                )
                #expect(
                    try await refusal("--tls-cert", files.certificate, "--tls-key", folders.root + "/ca.key")
                        .contains("does not belong to the certificate")
                )
                chmod(files.credentials, 0o644)
                let open = try await refusal("--credentials", files.credentials)
                #expect(open.contains("hint: chmod 600 \(files.credentials)"))
            }
        }
    }
}
