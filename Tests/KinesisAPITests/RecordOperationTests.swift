import AWSClient
import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

struct RecordOperationTests {
    @Test func `records that were put are read in order, with growing numbers`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")

            let stored = try await server.put(["a", "b", "c"], into: "s")
            let read = try await server.get(server.iterator("s"))

            #expect(read.payloads == ["a", "b", "c"])
            #expect(read.numbers == stored.compactMap { $0["SequenceNumber"] as? String })
            #expect(read.numbers == read.numbers.sorted())
            #expect(Set(read.numbers.map(\.count)) == [39])
            #expect(read.millisBehindLatest == 0)
        }
    }

    @Test func `an answer to PutRecords names the shard of each record`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s", shardCount: 2)

            let answer = try await server.call(
                "PutRecords",
                #"{"StreamName":"s","Records":[{"PartitionKey":"k","Data":"","ExplicitHashKey":"0"},"#
                    + #"{"PartitionKey":"k","Data":"","ExplicitHashKey":"340282366920938463463374607431768211455"},"#
                    + #"{"PartitionKey":"a","Data":""}]}"#
            )

            let records = try #require(answer["Records"] as? [[String: Any]])
            #expect(answer["FailedRecordCount"] as? Int == 0)
            // The MD5 of "a" begins with 0x0c.
            #expect(
                records.map { $0["ShardId"] as? String } == [
                    "shardId-000000000000", "shardId-000000000001", "shardId-000000000000",
                ]
            )
        }
    }

    @Test func `PutRecord answers shard and number and takes a stream's ARN`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")

            let answer = try await server.call(
                "PutRecord",
                #"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","PartitionKey":"k","Data":"Zm9v"}"#
            )
            let read = try await server.get(server.iterator("s"))

            #expect(answer["ShardId"] as? String == "shardId-000000000000")
            #expect(read.numbers == [answer["SequenceNumber"] as? String])
            #expect(read.payloads == ["foo"])
        }
    }

    @Test func `a number to come after must have been issued`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let first = try await server.put(["a"], into: "s")[0]["SequenceNumber"] as? String ?? ""
            func put(after number: String) -> String {
                #"{"StreamName":"s","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"\#(number)"}"#
            }

            #expect(try await server.error("PutRecord", put(after: first)) == nil)
            #expect(try await server.error("PutRecord", put(after: "0")) == nil)
            let error = try await server.error("PutRecord", put(after: first + "0"))

            #expect(error?.type == "InvalidArgumentException")
            #expect(
                error?.message == "ExclusiveMinimumSequenceNumber \(first)0 used in PutRecord on stream s "
                    + "under account 000000000000 is invalid."
            )
        }
    }

    @Test func `each type of iterator begins where its name says`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let early = try await server.put(["a", "b"], into: "s")
            server.wallClock.advance(seconds: 10)
            let middle = server.wallClock.now
            try await server.put(["c"], into: "s")
            let second = early[1]["SequenceNumber"] as? String ?? ""

            let cases: [(String, [String])] = [
                (#""ShardIteratorType":"TRIM_HORIZON""#, ["a", "b", "c"]),
                (#""ShardIteratorType":"LATEST""#, []),
                (
                    #""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"\#(second)""#,
                    ["b", "c"]
                ),
                (
                    #""ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"\#(second)""#,
                    ["c"]
                ),
                (#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"0""#, ["a", "b", "c"]),
                (
                    #""ShardIteratorType":"AT_TIMESTAMP","Timestamp":\#(Double(middle.milliseconds) / 1_000)"#,
                    ["c"]
                ),
                (#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1.5e9"#, ["a", "b", "c"]),
            ]
            for (request, payloads) in cases {
                let read = try await server.get(server.iterator("s", request))
                #expect(read.payloads == payloads, "\(request)")
            }
        }
    }

    @Test func `a reader at the tip sees what is put afterwards`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            try await server.put(["old"], into: "s")
            let latest = try await server.iterator("s", #""ShardIteratorType":"LATEST""#)

            try await server.put(["new"], into: "s")
            let read = try await server.get(latest)
            let nothing = try await server.get(read.next ?? "")

            #expect(read.payloads == ["new"])
            #expect(nothing.payloads.isEmpty)
            #expect(nothing.next != nil)
        }
    }

    @Test func `an iterator used twice gives the same records`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            try await server.put((0..<5).map { "\($0)" }, into: "s")
            let iterator = try await server.iterator("s")

            let first = try await server.get(iterator, limit: 2)
            try await server.put(["late"], into: "s")
            let again = try await server.get(iterator, limit: 2)
            let following = try await server.get(first.next ?? "")

            #expect(first.payloads == ["0", "1"])
            #expect(again.payloads == first.payloads)
            #expect(following.payloads == ["2", "3", "4", "late"])
        }
    }

    @Test func `millisBehindLatest tells how far a reader lies back`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            try await server.put(["a"], into: "s")
            server.wallClock.advance(seconds: 7)
            try await server.put(["b"], into: "s")

            let first = try await server.get(server.iterator("s"), limit: 1)
            let second = try await server.get(first.next ?? "")

            #expect(first.millisBehindLatest == 7_000)
            #expect(second.millisBehindLatest == 0)
        }
    }

    @Test func `an answer ends at 10 MiB`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let payload = Data(count: 4 * 1024 * 1024).base64EncodedString()
            for _ in 0..<3 {
                try await server.call(
                    "PutRecord",
                    #"{"StreamName":"s","PartitionKey":"k","Data":"\#(payload)"}"#
                )
            }

            let first = try await server.get(server.iterator("s"))
            let second = try await server.get(first.next ?? "")

            #expect(first.payloads.count == 2)
            #expect(second.payloads.count == 1)
        }
    }

    @Test func `a record of 10 MiB goes in and comes out`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let payload = String(repeating: "x", count: 10 * 1024 * 1024)
            let data = Data(payload.utf8).base64EncodedString()

            try await server.call("PutRecord", #"{"StreamName":"s","PartitionKey":"k","Data":"\#(data)"}"#)
            let read = try await server.get(server.iterator("s"))

            #expect(read.payloads == [payload])
        }
    }

    @Test func `a closed shard ends without an iterator and names its children`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            try await server.put(["a"], into: "s")
            let halves = HashKeyRange.even(count: 2)
            _ = try await server.log.stream("s").replace([ShardID(number: 0)], with: halves)

            var iterator: String? = try await server.iterator("s")
            var payloads: [String] = []
            var children: [String] = []
            while let current = iterator {
                let read = try await server.get(current)
                payloads += read.payloads
                children = read.childShards
                iterator = read.next
            }

            #expect(payloads == ["a"])
            #expect(children == ["shardId-000000000001", "shardId-000000000002"])
        }
    }

    @Test func `an iterator expires after five minutes, and garbage is none`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let iterator = try await server.iterator("s")
            server.wallClock.advance(seconds: 301)

            let expired = try await server.error("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#)
            let garbage = try await server.error("GetRecords", #"{"ShardIterator":"AAAA"}"#)

            #expect(expired?.type == "ExpiredIteratorException")
            #expect(
                expired?.message
                    == "Iterator expired. The iterator was created at time Tue Nov 14 22:13:20 UTC 2023 "
                    + "while right now it is Tue Nov 14 22:18:21 UTC 2023 which is further in the future than the "
                    + "tolerated delay of 300000 milliseconds."
            )
            #expect(
                garbage
                    == AWSError(
                        type: "InvalidArgumentException",
                        message: "Invalid ShardIterator.",
                        status: 400
                    )
            )
        }
    }

    @Test func `a recreated stream does not honour the iterators of its predecessor`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            let iterator = try await server.iterator("s")
            try await server.call("DeleteStream", #"{"StreamName":"s"}"#)
            try await server.createStream("s")

            let error = try await server.error("GetRecords", #"{"ShardIterator":"\#(iterator)"}"#)

            #expect(error?.type == "ResourceNotFoundException")
        }
    }
}
