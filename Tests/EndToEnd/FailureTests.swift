import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct FailureTests {
        /// A failure as the file destination has it, in Lambda's words.
        private struct Failure: Decodable {
            struct Request: Decodable {
                let requestId: String
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
                let stoppedBefore = try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace("stream", "create", "events", "--shards", "1")
                    try await host.put(lines: "before:0\npoison:0\nafter:0\n", into: "events", folders)
                    try await eventually("the poison was tried three times") {
                        attempts(folders).count { $0.contains("poison:0") } >= 3
                    }
                    try await host.killAtOnce()
                    return host.process.stoppedBatches
                }

                try await HostProcess.withHost(in: folders) { host in
                    try await eventually("the failure is in its file") { !failures(folders).isEmpty }
                    try await eventually("what follows is delivered") {
                        attempts(folders).contains { $0.contains("after:0") }
                    }

                    let failure = try #require(failures(folders).first)
                    // A kill between delivery and its note has it delivered again.
                    #expect(Set(failures(folders).map(\.requestContext.requestId)).count == 1)
                    #expect(failure.requestContext.condition == "RetryAttemptsExhausted")
                    #expect(failure.requestContext.approximateInvokeCount == 5)
                    #expect(failure.KinesisBatchInfo.batchSize == 1)
                    // One more at most: an attempt that the kill cut off before it was counted.
                    let cutOff = 1 + stoppedBefore + host.process.stoppedBatches
                    #expect((5...5 + cutOff).contains(attempts(folders).count { $0.contains("poison:0") }))
                    let listed = try await host.millrace("failure", "list")
                    #expect(listed.contains("RetryAttemptsExhausted"))
                }
            }
        }

        @Test func `a failure reaches a queue that was down when it happened`() async throws {
            try await HostFolders.withFresh { folders in
                let place = try ReservedPort()
                let port = place.number
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
                        ],
                        // The host's pauses have grown meanwhile, up to five minutes.
                        within: .seconds(1_200)
                    ).standardOutput

                    let failure = try JSONDecoder().decode(Failure.self, from: Data(body.utf8))
                    #expect(failure.requestContext.condition == "RetryAttemptsExhausted")
                    _ = place
                    try await eventually("it is marked as delivered") {
                        try await host.millrace("failure", "list").contains("delivered")
                    }
                }
            }
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
