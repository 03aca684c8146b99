import AWSClient
import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

struct ReshardOperationTests {
    private static let middle = "170141183460469231731687303715884105728"
    private static let last = "340282366920938463463374607431768211455"

    private static func invalid(_ message: String) -> AWSError {
        AWSError(type: "InvalidArgumentException", message: message, status: 400)
    }

    private static func split(_ shard: Int, at key: String) -> String {
        #"{"StreamName":"s","ShardToSplit":"\#(ShardID(number: shard))","NewStartingHashKey":"\#(key)"}"#
    }

    private static func merge(_ shard: Int, _ adjacent: Int) -> String {
        #"{"StreamName":"s","ShardToMerge":"\#(ShardID(number: shard))","#
            + #""AdjacentShardToMerge":"\#(ShardID(number: adjacent))"}"#
    }

    private static func scale(_ count: Int) -> String {
        #"{"StreamName":"s","TargetShardCount":\#(count),"ScalingType":"UNIFORM_SCALING"}"#
    }

    @Test func `a split shows in every call that lists shards`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let before = try await server.put(["a"], into: "s")

            #expect(try await server.call("SplitShard", Self.split(0, at: Self.middle)).isEmpty)

            let listed = try await server.call("ListShards", #"{"StreamName":"s"}"#)["Shards"]
            let shards = try #require(listed as? [[String: Any]])
            #expect(shards.map { $0["ParentShardId"] as? String } == [nil, ShardID.zero, ShardID.zero])
            #expect(shards.map { $0["AdjacentParentShardId"] as? String } == [nil, nil, nil])
            let ranges = shards.map { $0["HashKeyRange"] as? [String: String] ?? [:] }
            #expect(ranges[1]["StartingHashKey"] == "0")
            #expect(ranges[2] == ["StartingHashKey": Self.middle, "EndingHashKey": Self.last])
            let numbers = shards.map { $0["SequenceNumberRange"] as? [String: String] ?? [:] }
            #expect(numbers[0]["EndingSequenceNumber"] == before[0]["SequenceNumber"] as? String)
            #expect(numbers[1]["EndingSequenceNumber"] == nil)

            let described = try await server.call("DescribeStream", #"{"StreamName":"s"}"#)
            let stream = try #require(described["StreamDescription"] as? [String: Any])
            #expect((stream["Shards"] as? [Any])?.count == 3)
            #expect(stream["StreamStatus"] as? String == "ACTIVE")
            let summary = try await server.call("DescribeStreamSummary", #"{"StreamName":"s"}"#)
            let counts = try #require(summary["StreamDescriptionSummary"] as? [String: Any])
            #expect(counts["OpenShardCount"] as? Int == 2)
            #expect(try await server.call("DescribeLimits")["OpenShardCount"] as? Int == 2)
        }
    }

    @Test func `the last answer of a closed shard names its children and no iterator`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 2)
            let first = #""ExplicitHashKey":"0""#
            let body = #"{"StreamName":"s","Data":"YQ==","PartitionKey":"k",\#(first)}"#
            try await server.call("PutRecord", body)
            let early = try await server.iterator("s")
            try await server.call("MergeShards", Self.merge(0, 1))

            let answer = try await server.call("GetRecords", #"{"ShardIterator":"\#(early)"}"#)

            #expect((answer["Records"] as? [Any])?.count == 1)
            #expect(answer["NextShardIterator"] == nil)
            let children = try #require(answer["ChildShards"] as? [[String: Any]])
            #expect(children.map { $0["ShardId"] as? String } == [ShardID(number: 2).text])
            #expect(children[0]["ParentShards"] as? [String] == [ShardID.zero, ShardID(number: 1).text])
            #expect(
                children[0]["HashKeyRange"] as? [String: String]
                    == ["StartingHashKey": "0", "EndingHashKey": Self.last]
            )
        }
    }

    @Test(arguments: [
        #""ShardIteratorType":"TRIM_HORIZON""#, #""ShardIteratorType":"LATEST""#,
        #""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1700000000"#,
    ])
    func `a closed shard has iterators of every type, which come to its end`(type: String) async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            try await server.put(["a"], into: "s")
            try await server.call("SplitShard", Self.split(0, at: Self.middle))

            let reply = try await server.get(try await server.iterator("s", type))

            #expect(reply.payloads == (type.contains("LATEST") ? [] : ["a"]))
            #expect(reply.next == nil)
            #expect(reply.childShards == [ShardID(number: 1).text, ShardID(number: 2).text])
            #expect(reply.millisBehindLatest == 0)
        }
    }

    @Test func `a closed shard is gone when its records have expired`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            try await server.put(["a"], into: "s")
            try await server.call("SplitShard", Self.split(0, at: Self.middle))
            let iterator = try await server.iterator("s")
            server.wallClock.advance(seconds: 25 * 3600)
            await server.log.enforceRetention(now: server.wallClock.now)

            let listed = try await server.call("ListShards", #"{"StreamName":"s"}"#)["Shards"]
            let error = try await server.error(
                "GetShardIterator",
                #"{"StreamName":"s","ShardId":"\#(ShardID.zero)","ShardIteratorType":"LATEST"}"#
            )

            #expect((listed as? [[String: Any]])?.count == 2)
            #expect(error?.type == "ResourceNotFoundException")
            let late = try await server.error("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#)
            #expect(late?.type == "ExpiredIteratorException")
        }
    }

    @Test func `shards are listed by where they stand to a split`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 2)
            server.wallClock.advance(seconds: 100)
            try await server.call("SplitShard", Self.split(0, at: "5"))
            server.wallClock.advance(seconds: 100)

            let filters: [(String, [Int])] = [
                (#""Type":"FROM_TRIM_HORIZON""#, [0, 1, 2, 3]),
                (#""Type":"AT_TRIM_HORIZON""#, [0, 1]),
                (#""Type":"AT_LATEST""#, [1, 2, 3]),
                (#""Type":"AFTER_SHARD_ID","ShardId":"shardId-000000000001""#, [2, 3]),
                (#""Type":"AT_TIMESTAMP","Timestamp":1700000050"#, [0, 1]),
                (#""Type":"AT_TIMESTAMP","Timestamp":1700000150"#, [1, 2, 3]),
                (#""Type":"FROM_TIMESTAMP","Timestamp":1700000050"#, [0, 1, 2, 3]),
                (#""Type":"FROM_TIMESTAMP","Timestamp":1700000150"#, [1, 2, 3]),
            ]
            for (filter, numbers) in filters {
                let body = #"{"StreamName":"s","ShardFilter":{\#(filter)}}"#
                let listed = try await server.call("ListShards", body)["Shards"] as? [[String: Any]] ?? []
                #expect(
                    listed.map { $0["ShardId"] as? String } == numbers.map { ShardID(number: $0).text },
                    "\(filter)"
                )
            }
        }
    }

    @Test func `a scaled stream answers with the counts before and after`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 2)

            let answer = try await server.call("UpdateShardCount", Self.scale(3))

            #expect(answer["StreamName"] as? String == "s")
            #expect(answer["StreamARN"] as? String == "arn:aws:kinesis:us-east-1:000000000000:stream/s")
            #expect(answer["CurrentShardCount"] as? Int == 2)
            #expect(answer["TargetShardCount"] as? Int == 3)
            let open = try server.log.stream("s").listShards().filter(\.isOpen).map(\.hashKeyRange)
            #expect(open.sorted { $0.start < $1.start } == HashKeyRange.even(count: 3))
        }
    }

    @Test func `what cannot be resharded is refused in the words of the service`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 3)
            let end = HashKeyRange.even(count: 3)[0].end
            let account = "in stream s under account 000000000000"

            for key in ["0", "1", "\(end)", "999999999999999999999999999999999999999"] {
                #expect(
                    try await server.error("SplitShard", Self.split(0, at: key))
                        == Self.invalid(
                            "NewStartingHashKey \(key) used in SplitShard() on shard \(ShardID.zero) \(account) is not "
                                + "both greater than one plus the shard's StartingHashKey 0 and less than the "
                                + "shard's EndingHashKey \(end)."
                        )
                )
            }
            #expect(
                try await server.error("SplitShard", Self.split(7, at: "5"))
                    == AWSError(
                        type: "ResourceNotFoundException",
                        message: "Could not find shard \(ShardID(number: 7)) \(account).",
                        status: 400
                    )
            )
            #expect(
                try await server.error("MergeShards", Self.merge(0, 2))
                    == Self.invalid(
                        "Shards \(ShardID.zero) and \(ShardID(number: 2)) \(account) are not an adjacent pair of "
                            + "shards eligible for merging"
                    )
            )
            try await server.call("MergeShards", Self.merge(1, 0))
            #expect(
                try await server.error("SplitShard", Self.split(0, at: "5"))
                    == Self.invalid(
                        "Shard \(ShardID.zero) \(account) has already been merged or split, and thus is not eligible "
                            + "for merging or splitting."
                    )
            )
        }
    }

    @Test func `a stream is scaled within the limits of the service`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 3)

            let (double, half) = (
                try await server.error("UpdateShardCount", Self.scale(7)),
                try await server.error("UpdateShardCount", Self.scale(1))
            )

            #expect(
                double
                    == AWSError(
                        type: "LimitExceededException",
                        message:
                            "UpdateShardCount cannot scale up over double your current open shard count. "
                            + "Current open shard count: 3 Target shard count: 7",
                        status: 400
                    )
            )
            #expect(half?.type == "LimitExceededException")
            #expect(
                half?.message.hasPrefix("UpdateShardCount cannot scale down below half") == true
            )
            let most = try await server.error("UpdateShardCount", Self.scale(10_001))
            #expect(most?.message.contains("would exceed the shard limit") == true)
            #expect(try server.log.stream("s").listShards().count == 3)
        }
    }

    @Test func `requests that break the rules of the service model are refused`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let bodies = [
                ("SplitShard", #"{"StreamName":"s"}"#, ["newStartingHashKey", "shardToSplit"]),
                ("SplitShard", Self.split(0, at: "05"), ["0|([1-9]\\d{0,38})"]),
                ("MergeShards", #"{"StreamName":"s"}"#, ["shardToMerge", "adjacentShardToMerge"]),
                ("UpdateShardCount", #"{"StreamName":"s"}"#, ["targetShardCount", "scalingType"]),
                (
                    "UpdateShardCount", #"{"StreamName":"s","TargetShardCount":0,"ScalingType":"X"}"#,
                    ["greater than or equal to 1", "enum value set: [UNIFORM_SCALING]"]
                ),
            ]
            for (operation, body, parts) in bodies {
                let error = try #require(try await server.error(operation, body))
                #expect(error.type == "ValidationException")
                for part in parts { #expect(error.message.contains(part)) }
            }
        }
    }

    @Test func `a stream in on-demand mode is not resharded by hand`() async throws {
        try await KinesisServer.with { server in
            try await server.call(
                "CreateStream",
                #"{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#
            )

            let error = try await server.error("UpdateShardCount", Self.scale(8))

            #expect(error?.type == "ValidationException")
            #expect(
                error?.message
                    == "Request is invalid. Stream s under account 000000000000 is in On-Demand mode."
            )
        }
    }
}

extension ShardID {
    fileprivate static let zero = ShardID(number: 0).text
}
