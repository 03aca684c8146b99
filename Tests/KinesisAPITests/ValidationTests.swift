import AWSClient
import Foundation
import StreamCore
import TestSupport
import Testing

struct ValidationTests {
    static let prefix = "1 validation error detected: Value "
    private static let failed = " failed to satisfy constraint: "

    static let cases: [(operation: String, body: String, message: String)] = [
        ("CreateStream", "{}", "null at 'streamName'\(failed)Member must not be null"),
        (
            "CreateStream", #"{"StreamName":"a b"}"#,
            "'a b' at 'streamName'\(failed)Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        ),
        (
            "CreateStream", #"{"StreamName":"\#(String(repeating: "a", count: 129))"}"#,
            "'\(String(repeating: "a", count: 129))' at 'streamName'\(failed)"
                + "Member must have length less than or equal to 128"
        ),
        (
            "CreateStream", #"{"StreamName":"a","ShardCount":0}"#,
            "'0' at 'shardCount'\(failed)Member must have value greater than or equal to 1"
        ),
        (
            "CreateStream", #"{"StreamName":"a","StreamModeDetails":{"StreamMode":"FREE"}}"#,
            "'FREE' at 'streamModeDetails.streamMode'\(failed)Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]"
        ),
        (
            "GetRecords", #"{"ShardIterator":"A","Limit":10001}"#,
            "'10001' at 'limit'\(failed)Member must have value less than or equal to 10000"
        ),
        ("GetRecords", "{}", "null at 'shardIterator'\(failed)Member must not be null"),
        (
            "GetShardIterator", #"{"StreamName":"s","ShardId":"x","ShardIteratorType":"OLDEST"}"#,
            "'OLDEST' at 'shardIteratorType'\(failed)Member must satisfy enum value set: "
                + "[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"x","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"01"}"#,
            #"'01' at 'startingSequenceNumber'\#(failed)Member must satisfy regular expression pattern: 0|([1-9]\d{0,128})"#
        ),
        (
            "ListStreams", #"{"Limit":0}"#,
            "'0' at 'limit'\(failed)Member must have value greater than or equal to 1"
        ),
        (
            "ListShards", #"{"StreamName":"s","ShardFilter":{"Type":"ALL"}}"#,
            "'ALL' at 'shardFilter.type'\(failed)Member must satisfy enum value set: [AFTER_SHARD_ID, AT_TIMESTAMP, "
                + "AT_TRIM_HORIZON, FROM_TIMESTAMP, AT_LATEST, FROM_TRIM_HORIZON]"
        ),
        (
            "PutRecord",
            #"{"StreamName":"s","PartitionKey":"\#(String(repeating: "k", count: 257))","Data":""}"#,
            "'\(String(repeating: "k", count: 257))' at 'partitionKey'\(failed)"
                + "Member must have length less than or equal to 256"
        ),
        (
            "AddTagsToStream", #"{"StreamName":"s"}"#, "null at 'tags'\(failed)Member must not be null"
        ),
        (
            "IncreaseStreamRetentionPeriod", #"{"StreamName":"s"}"#,
            "null at 'retentionPeriodHours'\(failed)Member must not be null"
        ),
        (
            "DescribeStream", #"{"StreamARN":"arn:aws:s3:::bucket"}"#,
            #"'arn:aws:s3:::bucket' at 'streamARN'\#(failed)Member must satisfy regular expression pattern: "#
                + #"arn:aws.*:kinesis:.*:\d{12}:stream/\S+"#
        ),
    ]

    @Test func `a request that breaks a rule of the model learns which`() async throws {
        try await KinesisServer.with { server in
            for (operation, body, message) in Self.cases {
                let error = try await server.error(operation, body)

                let expected = AWSError(
                    type: "ValidationException",
                    message: Self.prefix + message,
                    status: 400
                )
                #expect(error == expected)
            }
        }
    }

    static let arguments: [(operation: String, body: String, type: String)] = [
        ("DescribeStream", "{}", "InvalidArgumentException"),
        ("DescribeStream", #"{"StreamName":"nope"}"#, "ResourceNotFoundException"),
        ("PutRecord", #"{"StreamName":"nope","PartitionKey":"k","Data":""}"#, "ResourceNotFoundException"),
        (
            "PutRecords", #"{"StreamName":"s","Records":[{"PartitionKey":"k","Data":"!"}]}"#,
            "SerializationException"
        ),
        ("PutRecords", "{", "SerializationException"),
        ("CreateStream", #"{"StreamName":7}"#, "SerializationException"),
        ("CreateStream", "[", "SerializationException"),
        ("CreateStream", #"{"StreamName":"t","MaxRecordSizeInKiB":2048}"#, "InvalidArgumentException"),
        ("CreateStream", #"{"StreamName":"t","WarmThroughputMiBps":10}"#, "InvalidArgumentException"),
        ("ListShards", "{}", "InvalidArgumentException"),
        ("ListShards", #"{"StreamName":"s","NextToken":"x"}"#, "InvalidArgumentException"),
        ("ListShards", #"{"NextToken":"x"}"#, "InvalidArgumentException"),
        (
            "ListShards", #"{"StreamName":"s","ShardFilter":{"Type":"AT_TIMESTAMP"}}"#,
            "InvalidArgumentException"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"shardId-000000000009","ShardIteratorType":"LATEST"}"#,
            "ResourceNotFoundException"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP"}"#,
            "InvalidArgumentException"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":2e9}"#,
            "InvalidArgumentException"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER"}"#,
            "InvalidArgumentException"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"LATEST","StartingSequenceNumber":"1"}"#,
            "InvalidArgumentException"
        ),
        (
            "GetShardIterator",
            #"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_SEQUENCE_NUMBER","#
                + #""StartingSequenceNumber":"49590338271490256608559692538361571095921575989136588898"}"#,
            "InvalidArgumentException"
        ),
        ("StartStreamEncryption", "{}", "UnknownOperationException"),
        ("Nonsense", "{}", "UnknownOperationException"),
    ]

    @Test func `a request that cannot be carried out says why`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            for (operation, body, type) in Self.arguments {
                let error = try await server.error(operation, body)

                #expect(error?.type == type, "\(operation) \(body): \(error?.message ?? "succeeded")")
                #expect(error?.status == 400)
            }
        }
    }

    @Test func `several broken rules are named together`() async throws {
        try await KinesisServer.with { server in
            let error = try await server.error("GetShardIterator", #"{"StreamName":"s"}"#)

            #expect(
                error?.message
                    == "2 validation errors detected: Value null at 'shardId' failed to satisfy constraint: "
                    + "Member must not be null; Value null at 'shardIteratorType' failed to satisfy constraint: "
                    + "Member must not be null"
            )
        }
    }

    @Test func `a format that nobody speaks is refused with those that there are`() async throws {
        try await KinesisServer.with { server in
            let request = ClientRequest(
                method: "POST",
                url: server.url,
                headers: [
                    ("Content-Type", "application/xml"), ("X-Amz-Target", "Kinesis_20131202.ListStreams"),
                ],
                body: []
            )

            let response = try await HTTPClient().send(request)

            #expect(response.status == 400)
            #expect(response.headers["x-amzn-errortype"] == "SerializationException")
            #expect(AWSError(response).message.contains("application/xml is not supported by this version"))
        }
    }

    @Test func `a request in CBOR is answered in CBOR, an error too`() async throws {
        try await KinesisServer.with { server in
            func send(_ operation: String, _ body: [UInt8]) async throws -> ClientResponse {
                try await HTTPClient().send(
                    ClientRequest(
                        method: "POST",
                        url: server.url,
                        headers: [
                            ("Content-Type", "application/x-amz-cbor-1.1"),
                            ("X-Amz-Target", "Kinesis_20131202.\(operation)"),
                        ],
                        body: body
                    )
                )
            }

            let list = try await send("ListStreams", [0xBF, 0xFF])
            let error = try await send(
                "DescribeStream",
                [0xA1, 0x6A] + Array("StreamName".utf8) + [0x61, 0x73]
            )

            #expect(list.status == 200)
            #expect(list.headers["content-type"] == "application/x-amz-cbor-1.1")
            #expect(list.body.first == 0xBF)
            #expect(error.status == 400)
            #expect(error.headers["x-amzn-errortype"] == "ResourceNotFoundException")
            #expect(error.body.first == 0xBF)
        }
    }

    @Test func `every answer has a request id, and a body beyond any valid request is refused`() async throws
    {
        try await KinesisServer.with { server in
            func send(_ body: [UInt8]) async throws -> ClientResponse {
                try await HTTPClient().send(
                    ClientRequest(
                        method: "POST",
                        url: server.url,
                        headers: [
                            ("Content-Type", "application/x-amz-json-1.1; charset=utf-8"),
                            ("X-Amz-Target", "Kinesis_20131202.ListStreams"),
                        ],
                        body: body
                    )
                )
            }

            let listed = try await send(Array("{}".utf8))
            let refused = try await send([UInt8](repeating: UInt8(ascii: " "), count: 17 * 1024 * 1024))

            #expect(listed.status == 200)
            #expect(listed.headers["content-type"] == "application/x-amz-json-1.1")
            #expect(UUID(uuidString: listed.headers["x-amzn-requestid"] ?? "") != nil)
            #expect(refused.status == 413)
        }
    }
}
