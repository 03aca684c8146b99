import Foundation
import Testing

extension EndToEnd {
    /// The clients that people have already.
    @Suite struct ClientTests {
        @Test func `boto3 finds a Kinesis stream behind the endpoint`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let checked = try await host.python("check_boto3.py")
                    #expect(checked == "ok\n")
                }
            }
        }

        @Test func `the aws command creates a stream and puts a record into it`() async throws {
            try await HostFolders.withFresh { folders in
                try folders.addRecorder()
                try await HostProcess.withHost(in: folders) { host in
                    try await aws(host, "create-stream", "--stream-name", "events", "--shard-count", "4")
                    try await aws(host, "wait", "stream-exists", "--stream-name", "events")

                    let put = try await aws(
                        host,
                        "put-record",
                        "--stream-name",
                        "events",
                        "--partition-key",
                        "k",
                        "--data",
                        "k:0"
                    )

                    let answer = try JSONDecoder().decode([String: String].self, from: Data(put.utf8))
                    try await eventually("the record is delivered") { try !folders.deliveries().isEmpty }
                    let delivered = try folders.deliveries().map(\.record)
                    #expect(delivered.map(\.data) == ["k:0"])
                    #expect(delivered.first?.sequence == answer["SequenceNumber"])
                    #expect(delivered.first?.shard == answer["ShardId"])
                }
            }
        }

        @discardableResult
        private func aws(_ host: HostProcess, _ words: String...) async throws -> String {
            let finished = try await run(
                Repository.python,
                [Repository.clients.appendingPathComponent("aws").path, "kinesis"] + words,
                environment: [
                    "AWS_ENDPOINT_URL": host.endpoint, "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "",
                    "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                ]
            )
            guard finished.isSuccess else {
                throw CommandFailed(command: "aws kinesis \(words)", finished: finished)
            }
            return finished.standardOutput
        }
    }
}
