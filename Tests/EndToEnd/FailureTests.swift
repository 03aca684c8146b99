import Foundation
import Testing

extension EndToEnd {
    @Suite struct FailureTests {
        /// A failure as the file destination has it, in Lambda's words.
        private struct Failure: Decodable {
            struct Request: Decodable {
                let condition: String
                let approximateInvokeCount: Int
            }
            struct Batch: Decodable {
                let batchSize: Int
            }
            let requestContext: Request
            let KinesisBatchInfo: Batch
        }

        @Test func `a poison record spends its budget once, though the host is killed in the middle`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try addPoison(to: folders)
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.put(lines: "before:0\npoison:0\nafter:0\n", into: "events", folders)
                    try await eventually("the poison was tried three times") {
                        attempts(folders).count { $0.contains("poison:0") } >= 3
                    }
                    try await host.killAtOnce()
                }

                try await HostProcess.withHost(in: folders) { host in
                    try await eventually("the failure is in its file") { !failures(folders).isEmpty }
                    try await eventually("what follows is delivered") {
                        attempts(folders).contains { $0.contains("after:0") }
                    }

                    let failure = try #require(failures(folders).first)
                    #expect(failures(folders).count == 1)
                    #expect(failure.requestContext.condition == "RetryAttemptsExhausted")
                    #expect(failure.requestContext.approximateInvokeCount == 5)
                    #expect(failure.KinesisBatchInfo.batchSize == 1)
                    // One more at most: an attempt that the kill cut off before it was counted.
                    #expect((5...6).contains(attempts(folders).count { $0.contains("poison:0") }))
                    let listed = try await host.millrace("failure", "list")
                    #expect(listed.contains("RetryAttemptsExhausted"))
                }
            }
        }

        @Test func `a failure reaches a queue that was down when it happened`() async throws {
            try await HostFolders.withFresh { folders in
                let port = try freePort()
                try folders.addPython(
                    "poison",
                    options: """
                        MaximumRetryAttempts: 0
                        DestinationConfig: {OnFailure: {Destination: "arn:aws:sqs:us-east-1:123456789012:failures"}}
                        """
                )
                let environment = [
                    "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:\(port)", "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                ]
                try await HostProcess.withHost(in: folders, environment: environment) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.put(lines: "poison:0", into: "events", folders)
                    try await eventually("the failure waits for its destination") {
                        try await host.millrace("failure", "list").contains("waiting")
                    }

                    let body = try await run(
                        Repository.python,
                        [
                            "-B",
                            Repository.endToEnd.appendingPathComponent("Scripts/receive_failure.py").path,
                            "\(port)",
                        ]
                    ).standardOutput

                    let failure = try JSONDecoder().decode(Failure.self, from: Data(body.utf8))
                    #expect(failure.requestContext.condition == "RetryAttemptsExhausted")
                    try await eventually("it is marked as delivered") {
                        try await host.millrace("failure", "list").contains("delivered")
                    }
                }
            }
        }

        /// A port on which nothing listens now.
        private func freePort() throws -> UInt16 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &name) { name in
                name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                    bind(descriptor, name, length) == 0 ? getsockname(descriptor, name, &length) : -1
                }
            }
            try #require(result == 0)
            return UInt16(bigEndian: name.sin_port)
        }

        private func attempts(_ folders: HostFolders) -> [[String]] {
            StreamRecord.decodeUntornLines(
                FileManager.default.contents(atPath: folders.output + "/attempts.jsonl") ?? Data()
            )
        }

        private func failures(_ folders: HostFolders) -> [Failure] {
            StreamRecord.decodeUntornLines(
                FileManager.default.contents(atPath: folders.output + "/failures.jsonl") ?? Data()
            )
        }

        private func addPoison(to folders: HostFolders) throws {
            try folders.addPython(
                "poison",
                options: """
                    BatchSize: 1
                    MaximumRetryAttempts: 4
                    DestinationConfig: {OnFailure: {Destination: "file://\(folders.output)/failures.jsonl"}}
                    """
            )
        }
    }
}
