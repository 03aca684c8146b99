import AWSClient
import EmbeddedLog
import Foundation
import Logging
import StreamCore
import TestSupport
import Testing

struct ConsumerOperationTests {
    private static let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

    private func register(_ name: String) -> String {
        #"{"StreamARN":"\#(Self.arn)","ConsumerName":"\#(name)"}"#
    }

    @Test func `a consumer is registered, described, listed, counted and deregistered`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")

            let registered = try await server.call("RegisterStreamConsumer", register("c"))
            let consumer = try #require(registered["Consumer"] as? [String: Any])
            let consumerARN = try #require(consumer["ConsumerARN"] as? String)
            #expect(consumer["ConsumerStatus"] as? String == "CREATING")
            #expect(consumerARN == "\(Self.arn)/consumer/c:1700000000")

            for body in [#"{"ConsumerARN":"\#(consumerARN)"}"#, register("c")] {
                let answer = try await server.call("DescribeStreamConsumer", body)
                let description = try #require(answer["ConsumerDescription"] as? [String: Any])
                #expect(description["ConsumerStatus"] as? String == "ACTIVE")
                #expect(description["StreamARN"] as? String == Self.arn)
                #expect(description["ConsumerCreationTimestamp"] as? Double == 1_700_000_000)
            }
            let summary = try await server.call("DescribeStreamSummary", #"{"StreamName":"s"}"#)
            #expect((summary["StreamDescriptionSummary"] as? [String: Any])?["ConsumerCount"] as? Int == 1)

            try await server.call("DeregisterStreamConsumer", register("c"))
            #expect(
                try await server.error("DescribeStreamConsumer", register("c"))?.type
                    == "ResourceNotFoundException"
            )
        }
    }

    @Test func `consumers are listed in pages`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            for name in ["b", "c", "a"] { try await server.call("RegisterStreamConsumer", register(name)) }

            let first = try await server.call(
                "ListStreamConsumers",
                #"{"StreamARN":"\#(Self.arn)","MaxResults":2}"#
            )
            let token = try #require(first["NextToken"] as? String)
            let second = try await server.call(
                "ListStreamConsumers",
                #"{"StreamARN":"\#(Self.arn)","NextToken":"\#(token)"}"#
            )

            let names = [first, second].map { page in
                (page["Consumers"] as? [[String: Any]] ?? []).compactMap { $0["ConsumerName"] as? String }
            }
            #expect(names == [["a", "b"], ["c"]])
            #expect(second["NextToken"] == nil)
        }
    }

    @Test func `a name is taken once, and twenty consumers are enough`() async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")
            for number in 0..<20 { try await server.call("RegisterStreamConsumer", register("c\(number)")) }

            #expect(
                try await server.error("RegisterStreamConsumer", register("c0"))?.type
                    == "ResourceInUseException"
            )
            #expect(
                try await server.error("RegisterStreamConsumer", register("c20"))?.type
                    == "LimitExceededException"
            )
        }
    }

    @Test func `a consumer is still there when the log is opened again`() async throws {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let consumer = StreamConsumer(name: "c", created: Timestamp(milliseconds: 1_700_000_000_000))
            do {
                let log = try EmbeddedLog.open(directory: directory, logger: logger)
                defer { log.close() }
                try log.createStream("s", shardCount: 1).changeConsumers { $0.append(consumer) }
            }

            let log = try EmbeddedLog.open(directory: directory, logger: logger)
            defer { log.close() }

            #expect(try log.stream("s").consumers == [consumer])
        }
    }

    @Test(arguments: [
        "{}", #"{"StreamARN":"arn:x","ConsumerName":"c"}"#,
        #"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","ConsumerName":"c d"}"#,
    ])
    func `a request that breaks the rules of the service is refused`(body: String) async throws {
        try await KinesisServer.with { server in
            try await server.createStream("s")

            #expect(try await server.error("RegisterStreamConsumer", body)?.type == "ValidationException")
        }
    }
}
