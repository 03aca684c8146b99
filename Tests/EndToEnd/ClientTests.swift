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
                    try await host.aws(
                        "kinesis",
                        "create-stream",
                        "--stream-name",
                        "events",
                        "--shard-count",
                        "4"
                    )
                    try await host.aws("kinesis", "wait", "stream-exists", "--stream-name", "events")

                    let put = try await host.aws(
                        "kinesis",
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
    }
}
