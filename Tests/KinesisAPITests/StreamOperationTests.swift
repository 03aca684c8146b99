import AWSClient
import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

struct StreamOperationTests {
    @Test func `a stream shows itself as the service does`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("flights", shardCount: 2)

            let answer = try await server.call("DescribeStream", #"{"StreamName":"flights"}"#)
            let summary = try await server.call("DescribeStreamSummary", #"{"StreamName":"flights"}"#)

            let stream = try #require(answer["StreamDescription"] as? [String: Any])
            #expect(stream["StreamName"] as? String == "flights")
            #expect(stream["StreamARN"] as? String == "arn:aws:kinesis:us-east-1:000000000000:stream/flights")
            #expect(stream["StreamStatus"] as? String == "ACTIVE")
            #expect(stream["HasMoreShards"] as? Bool == false)
            #expect(stream["RetentionPeriodHours"] as? Int == 24)
            #expect(stream["StreamCreationTimestamp"] as? Double == 1_700_000_000)
            #expect(stream["EncryptionType"] as? String == "NONE")
            let shards = try #require(stream["Shards"] as? [[String: Any]])
            let first = shards[0]["HashKeyRange"] as? [String: String]
            #expect(
                first == ["StartingHashKey": "0", "EndingHashKey": "170141183460469231731687303715884105727"]
            )
            let counts = try #require(summary["StreamDescriptionSummary"] as? [String: Any])
            #expect(counts["OpenShardCount"] as? Int == 2)
            #expect(counts["ConsumerCount"] as? Int == 0)
        }
    }

    @Test func `a stream without a shard count begins with four`() async throws {
        try await KinesisServer.with { server in
            try await server.call(
                "CreateStream",
                #"{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#
            )

            let shards = try await server.call("ListShards", #"{"StreamName":"s"}"#)["Shards"] as? [Any]

            #expect(shards?.count == 4)
        }
    }

    @Test func `a name can be used again once its stream is deleted`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let taken = try await server.error("CreateStream", #"{"StreamName":"s","ShardCount":1}"#)
            try await server.call("DeleteStream", #"{"StreamName":"s"}"#)
            let gone = try await server.error("DescribeStream", #"{"StreamName":"s"}"#)
            try await server.createStream("s")

            #expect(
                taken
                    == AWSError(
                        type: "ResourceInUseException",
                        message: "Stream s under account 000000000000 already exists.",
                        status: 400
                    )
            )
            #expect(
                gone
                    == AWSError(
                        type: "ResourceNotFoundException",
                        message: "Stream s under account 000000000000 not found.",
                        status: 400
                    )
            )
        }
    }

    @Test func `streams are listed page by page`() async throws {
        try await KinesisServer.with { server in
            for name in ["c", "a", "b"] { try await server.createStream(name) }

            let first = try await server.call("ListStreams", #"{"Limit":2}"#)
            let token = try #require(first["NextToken"] as? String)
            let second = try await server.call("ListStreams", #"{"NextToken":"\#(token)"}"#)
            let after = try await server.call("ListStreams", #"{"ExclusiveStartStreamName":"a"}"#)

            #expect(first["StreamNames"] as? [String] == ["a", "b"])
            #expect(first["HasMoreStreams"] as? Bool == true)
            let summaries = first["StreamSummaries"] as? [[String: Any]]
            #expect(summaries?.map { $0["StreamName"] as? String } == ["a", "b"])
            #expect(second["StreamNames"] as? [String] == ["c"])
            #expect(second["HasMoreStreams"] as? Bool == false)
            #expect(second["NextToken"] == nil)
            #expect(after["StreamNames"] as? [String] == ["b", "c"])
        }
    }

    @Test func `shards are listed page by page`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 5)
            var ids: [String] = []
            var pages = 0
            var request = #"{"StreamName":"s","MaxResults":2}"#
            while true {
                let page = try await server.call("ListShards", request)
                ids += (page["Shards"] as? [[String: Any]] ?? []).compactMap { $0["ShardId"] as? String }
                pages += 1
                guard let token = page["NextToken"] as? String else { break }
                request = #"{"NextToken":"\#(token)","MaxResults":2}"#
            }
            let described = try await server.call(
                "DescribeStream",
                #"{"StreamName":"s","Limit":2,"ExclusiveStartShardId":"shardId-000000000001"}"#
            )

            #expect(ids == (0..<5).map { ShardID(number: $0).text })
            #expect(pages == 3)
            let stream = try #require(described["StreamDescription"] as? [String: Any])
            let shards = stream["Shards"] as? [[String: Any]]
            #expect(
                shards?.map { $0["ShardId"] as? String } == ["shardId-000000000002", "shardId-000000000003"]
            )
            #expect(stream["HasMoreShards"] as? Bool == true)
        }
    }

    @Test func `a token for more shards expires after five minutes`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 2)
            let page = try await server.call("ListShards", #"{"StreamName":"s","MaxResults":1}"#)
            let token = try #require(page["NextToken"] as? String)

            server.wallClock.advance(seconds: 301)
            let error = try await server.error("ListShards", #"{"NextToken":"\#(token)"}"#)

            #expect(error?.type == "ExpiredNextTokenException")
        }
    }

    @Test func `retention moves between 24 hours and a year, each way by its own operation`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            func body(_ hours: Int) -> String { #"{"StreamName":"s","RetentionPeriodHours":\#(hours)}"# }

            try await server.call("IncreaseStreamRetentionPeriod", body(8_760))
            let summary = try await server.call("DescribeStreamSummary", #"{"StreamName":"s"}"#)
            try await server.call("DecreaseStreamRetentionPeriod", body(48))
            let shorter = try await server.error("IncreaseStreamRetentionPeriod", body(24))
            let longer = try await server.error("DecreaseStreamRetentionPeriod", body(72))
            let tooShort = try await server.error("DecreaseStreamRetentionPeriod", body(23))
            let tooLong = try await server.error("IncreaseStreamRetentionPeriod", body(8_761))

            let described = summary["StreamDescriptionSummary"] as? [String: Any]
            #expect(described?["RetentionPeriodHours"] as? Int == 8_760)
            #expect(
                shorter?.message
                    == "Requested retention period (24 hours) for stream s can not be shorter than "
                    + "existing retention period (48 hours). Use DecreaseRetentionPeriod API."
            )
            #expect(longer?.type == "InvalidArgumentException")
            #expect(
                tooShort?.message == "Minimum allowed retention period is 24 hours. "
                    + "Requested retention period (23 hours) is too short."
            )
            #expect(tooLong?.type == "InvalidArgumentException")
        }
    }

    @Test func `tags are added, listed, replaced and removed`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
            func keys(_ answer: [String: Any]) -> [String?] {
                (answer["Tags"] as? [[String: String]] ?? []).map { tag in
                    "\(tag["Key"] ?? "")=\(tag["Value"] ?? "")"
                }
            }

            try await server.call(
                "AddTagsToStream",
                #"{"StreamName":"s","Tags":{"Team":"a","env":"x","z":""}}"#
            )
            try await server.call("TagResource", #"{"ResourceARN":"\#(arn)","Tags":{"env":"y"}}"#)
            let page = try await server.call("ListTagsForStream", #"{"StreamName":"s","Limit":2}"#)
            let rest = try await server.call(
                "ListTagsForStream",
                #"{"StreamName":"s","ExclusiveStartTagKey":"env"}"#
            )
            try await server.call("RemoveTagsFromStream", #"{"StreamName":"s","TagKeys":["z"]}"#)
            try await server.call("UntagResource", #"{"ResourceARN":"\#(arn)","TagKeys":["Team"]}"#)
            let left = try await server.call("ListTagsForResource", #"{"ResourceARN":"\#(arn)"}"#)

            #expect(keys(page) == ["Team=a", "env=y"])
            #expect(page["HasMoreTags"] as? Bool == true)
            #expect(keys(rest) == ["z="])
            #expect(keys(left) == ["env=y"])
        }
    }

    @Test func `changes of a stream's tags at the same time all count`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")

            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let tags = #"{"StreamName":"s","Tags":{"\#(number)":""}}"#
                        try await server.call("AddTagsToStream", tags)
                        guard number.isMultiple(of: 2) else { return }
                        let keys = #"{"StreamName":"s","TagKeys":["\#(number)"]}"#
                        try await server.call("RemoveTagsFromStream", keys)
                    }
                }
                try await group.waitForAll()
            }

            let left = try server.log.stream("s").tags.keys.compactMap { Int($0) }
            #expect(left.sorted() == (0..<40).filter { !$0.isMultiple(of: 2) })
        }
    }

    @Test(arguments: ["ON_DEMAND", "PROVISIONED"])
    func `a stream is described with the mode that it was created with`(mode: String) async throws {
        try await KinesisServer.with { server in
            try await server.call(
                "CreateStream",
                #"{"StreamName":"s","ShardCount":1,"StreamModeDetails":{"StreamMode":"\#(mode)"},"Tags":{"a":"b"}}"#
            )

            let described = try await server.call("DescribeStream", #"{"StreamName":"s"}"#)
            let summary = try await server.call("DescribeStreamSummary", #"{"StreamName":"s"}"#)
            let listed = try await server.call("ListStreams")
            let limits = try await server.call("DescribeLimits")

            func modeDetails(_ stream: Any?) -> [String: String]? {
                (stream as? [String: Any])?["StreamModeDetails"] as? [String: String]
            }
            #expect(modeDetails(described["StreamDescription"]) == ["StreamMode": mode])
            #expect(modeDetails(summary["StreamDescriptionSummary"]) == ["StreamMode": mode])
            #expect(modeDetails((listed["StreamSummaries"] as? [Any])?.first) == ["StreamMode": mode])
            #expect(limits["OnDemandStreamCount"] as? Int == (mode == "ON_DEMAND" ? 1 : 0))
            #expect(try server.log.stream("s").tags == ["a": "b"])
        }
    }

    @Test func `limits count the open shards`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("a", shardCount: 3)
            try await server.createStream("b", shardCount: 2)

            let limits = try await server.call("DescribeLimits")
            let tooMany = try await server.error("CreateStream", #"{"StreamName":"c","ShardCount":9996}"#)

            #expect(limits["OpenShardCount"] as? Int == 5)
            #expect(limits["ShardLimit"] as? Int == 10_000)
            #expect(tooMany?.type == "LimitExceededException")
        }
    }
}
