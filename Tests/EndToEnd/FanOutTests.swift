import Foundation
import Testing

extension EndToEnd {
    /// Consumers to which records are pushed, and the clients that speak HTTP/2 and CBOR.
    @Suite struct FanOutTests {
        @Test func `boto3 has records pushed to it, one subscription at a time`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let checked = try await host.python("check_fanout.py", within: .seconds(900))
                    #expect(checked == "ok\n")
                    // A subscription does not hold up the end.
                    #expect(try await host.stop() == .exited(0))
                }
            }
        }

        @Test func `CBOR over HTTP2 says what JSON over HTTP1 says`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let checked = try await host.python("check_cbor.py")
                    #expect(checked == "ok\n")
                }
            }
        }

        @Test func `a host with running subscriptions ends when it is told to`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let subscriber = try host.startPython("hold_subscription.py")
                    defer { subscriber.signal(SIGKILL) }
                    try await eventually("the subscription runs") {
                        subscriber.standardOutput.text.contains("subscribed") || !subscriber.isRunning
                    }

                    #expect(try await host.stop() == .exited(0))
                    #expect(try await subscriber.end() == .exited(0))
                }
            }
        }

        @Test func `a signed request gets in over HTTP2, agreed on in the TLS handshake or before`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                let files = try await AccessFiles(in: folders)
                try await files.makeCertificate()
                for (options, version) in [
                    (files.credentialsOptions, "--http2-prior-knowledge"),
                    (files.credentialsOptions + files.tlsOptions, "--http2"),
                ] {
                    try await HostProcess.withHost(in: folders, options) { host in
                        func list(_ key: String) async throws -> String {
                            let words = [
                                "-sS", version, "--cacert", files.authority, "--aws-sigv4",
                                "aws:amz:us-east-1:kinesis", "--user", key, "-H",
                                "Content-Type: application/x-amz-json-1.1", "-H",
                                "X-Amz-Target: Kinesis_20131202.ListStreams", "-d", "{}", "-w",
                                " %{http_version} %{http_code}", host.endpoint,
                            ]
                            return try await run(URL(fileURLWithPath: "/usr/bin/curl"), words).standardOutput
                        }

                        let admitted = try await list("\(files.admin.id):\(files.admin.secret)")
                        let refused = try await list("\(files.admin.id):\(files.reader.secret)")

                        #expect(admitted.hasSuffix(" 2 200"), "\(admitted)")
                        #expect(refused.contains("InvalidSignatureException"), "\(refused)")
                    }
                }
            }
        }

        @Test func `Amazon's client library for Java loses nothing through a split and a merge`() async throws
        {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let checked = try await host.python(
                        "check_java_kcl.py",
                        Repository.kcl.appendingPathComponent("bin/python3").path,
                        Repository.ministack.path,
                        folders.root,
                        within: .seconds(1_500)
                    )
                    #expect(checked == "ok\n")
                }
            }
        }
    }
}
