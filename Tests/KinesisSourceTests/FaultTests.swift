import AWSClient
import Foundation
import KinesisSource
import StreamCore
import Synchronization
import TestSupport
import Testing

/// A service that fails in ways in which real ones do, now and then.
@Suite(.timeLimit(.minutes(5)))
struct FaultTests {
    private static let records = #"""
        {"Records":[{"SequenceNumber":"41","Data":"AQ==","PartitionKey":"k","ApproximateArrivalTimestamp":1.5},
        {"SequenceNumber":"42","Data":"AQ==","PartitionKey":"k","ApproximateArrivalTimestamp":1.5}],
        "NextShardIterator":"next","MillisBehindLatest":0}
        """#
    private static let nothing = #"{"Records":[],"NextShardIterator":"next","MillisBehindLatest":0}"#

    private static func refusal(_ type: String, status: Int = 400) -> RawAnswer {
        .reply(status: status, #"{"__type":"\#(type)","message":"no"}"#)
    }

    /// Iterators are named after how often one was asked for; GetRecords answers these one after the other, and the last
    /// for ever.
    private final class Script: Sendable {
        let requests = Recorder<RawRequest>()
        private let answers: Mutex<[RawAnswer]>
        private let shards: String

        init(_ answers: RawAnswer..., shards: String = #"{"Shards":[]}"#) {
            self.answers = Mutex(answers)
            self.shards = shards
        }

        func calls(_ operation: String) -> [RawRequest] { requests.events.filter { $0.isCall(operation) } }

        func answer(_ request: RawRequest) -> RawAnswer {
            requests.append(request)
            if request.isCall("GetShardIterator") {
                return .reply(#"{"ShardIterator":"iterator-\#(calls("GetShardIterator").count)"}"#)
            }
            if request.isCall("ListShards") { return .reply(shards) }
            return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
    }

    private func withSource(
        _ script: Script,
        limits: HTTPClient.Limits = .patient,
        pacing: KinesisPacing = .onDemand,
        _ body: (KinesisSource, TestClock) async throws -> Void
    ) async throws {
        let clock = TestClock()
        try await withRawServer(answering: script.answer) { url in
            try await body(
                KinesisSource.test("flights", at: url, pacing: pacing, limits: limits, clock: clock),
                clock
            )
        }
    }

    private func read(_ reader: any ShardReader, wait: Duration = .zero) async throws -> ReadResult {
        try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: wait)
    }

    @Test(
        arguments: [
            refusal("ProvisionedThroughputExceededException"), refusal("LimitExceededException"),
            refusal("com.amazonaws.kinesis#KMSThrottlingException"), refusal("InternalFailure", status: 500),
            .reply(status: 400, headers: ["x-amzn-errortype": "ThrottlingException:http://internal/"], ""),
            .reply(status: 503, "<html>busy</html>"), .reply(status: 429, ""), .reply(#"{"Records":[{"Seq"#),
            .torn("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"Records\":["),
        ]
    )
    func `what passes by itself is tried again after a pause`(fault: RawAnswer) async throws {
        let script = Script(fault, .reply(Self.records))
        try await withSource(script) { source, clock in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)
            async let result = read(reader)
            await clock.waitForSleepers()

            clock.advance(by: .seconds(10))

            #expect(try await result.batch.numbers == [41, 42])
            #expect(script.calls("GetRecords").count == 2)
        }
    }

    @Test func `an answer that stalls is given up and asked for again`() async throws {
        let script = Script(.partial(""), .reply(Self.records))
        let limits = HTTPClient.Limits(time: .seconds(3))
        try await withSource(script, limits: limits) { source, clock in
            // On a busy machine other answers may stall as well, and are asked for again.
            let result = try await clock.letPass(.seconds(10)) {
                let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)
                return try await read(reader)
            }

            #expect(result.batch.numbers == [41, 42])
            #expect(script.calls("GetRecords").count >= 2)
        }
    }

    @Test func `an expired iterator is renewed behind the last record`() async throws {
        let script = Script(
            .reply(Self.records),
            Self.refusal("ExpiredIteratorException"),
            .reply(Self.nothing)
        )
        try await withSource(script) { source, _ in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)

            #expect(try await read(reader).batch.numbers == [41, 42])
            #expect(try await read(reader).batch.isEmpty)

            let iterators = script.calls("GetShardIterator")
            #expect(iterators.count == 2)
            #expect(iterators[0].body.contains(#""ShardIteratorType":"TRIM_HORIZON""#))
            #expect(iterators[1].body.contains(#""ShardIteratorType":"AFTER_SEQUENCE_NUMBER""#))
            #expect(iterators[1].body.contains(#""StartingSequenceNumber":"42""#))
            #expect(script.calls("GetRecords").last?.body.contains("iterator-2") == true)
        }
    }

    @Test func `an expired iterator at the tip is renewed where it was`() async throws {
        let script = Script(Self.refusal("ExpiredIteratorException"), .reply(Self.nothing))
        try await withSource(script) { source, _ in
            let reader = try await source.reader(of: ShardID(number: 0), from: .latest)

            _ = try await read(reader)

            #expect(script.calls("GetShardIterator")[1].body.contains("AT_TIMESTAMP"))
        }
    }

    @Test func `other errors name operation, shard and endpoint`() async throws {
        let script = Script(Self.refusal("AccessDeniedException"), .reply(Self.records))
        try await withSource(script) { source, _ in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)

            let failure = await #expect(throws: KinesisFailure.self) { _ = try await read(reader) }
            #expect(
                failure?.description.hasPrefix("GetRecords of flights/shardId-000000000000 at http") == true
            )
            #expect(failure?.description.hasSuffix("AccessDeniedException: no") == true)
            // Reading again goes on at the same record.
            #expect(try await read(reader).batch.numbers == [41, 42])
        }
    }

    @Test func `a shard that is missing is told apart from its stream`() async throws {
        let script = Script(Self.refusal("ResourceNotFoundException"))
        try await withSource(script) { source, _ in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)

            await #expect(throws: ShardNotFound.self) { _ = try await read(reader) }
        }
    }

    @Test func `a closed shard ends though its iterators go on`() async throws {
        let shards = #"""
            {"Shards":[{"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"},
            "SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":"42"}}]}
            """#
        let script = Script(.reply(Self.nothing), shards: shards)
        try await withSource(script) { source, _ in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)

            var reads = 1
            while try await !read(reader).isEnd { reads += 1 }

            #expect(reads == 26)
            #expect(try await read(reader).isEnd)
        }
    }

    @Test func `the next answer is fetched while the last is handled`() async throws {
        let behind = Self.records.replacing(#""MillisBehindLatest":0"#, with: #""MillisBehindLatest":9"#)
        let script = Script(.reply(behind), .reply(behind), .reply(behind), .reply(Self.records))
        try await withSource(script) { source, _ in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)

            let first = try await reader.read(maxRecords: 1, maxBytes: 1 << 20, wait: .zero)
            await script.requests.wait { $0.count { $0.isCall("GetRecords") } == 2 }

            #expect(first.batch.numbers == [41])
            #expect(first.millisBehindLatest == 9)
            #expect(try await read(reader).batch.numbers == [42])
        }
    }

    @Test func `a paced reader waits between two reads`() async throws {
        let script = Script(.reply(Self.nothing))
        try await withSource(script, pacing: .amazon) { source, clock in
            let reader = try await source.reader(of: ShardID(number: 0), from: .trimHorizon)
            _ = try await read(reader)

            async let second = read(reader)
            await clock.waitForSleepers()
            #expect(script.calls("GetRecords").count == 1)
            clock.advance(by: .milliseconds(200))

            #expect(try await second.batch.isEmpty)
            #expect(script.calls("GetRecords").count == 2)
        }
    }

    @Test func `calls of Amazon are signed`() async throws {
        let script = Script(.reply(Self.nothing))
        try await withRawServer(answering: script.answer) { url in
            let keys = AWSCredentialSource(
                environment: ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"],
                homeDirectory: "/nonexistent"
            )
            let source = try KinesisSource.test("flights", at: url, credentials: keys)

            _ = try await read(source.reader(of: ShardID(number: 0), from: .trimHorizon))

            let authorizations = script.requests.events.compactMap { $0.headers["authorization"] }
            #expect(authorizations.count == 2)
            #expect(authorizations.allSatisfy { $0.contains("/us-east-1/kinesis/aws4_request") })
        }
    }
}

extension RawRequest {
    func isCall(_ operation: String) -> Bool { headers["x-amz-target"] == "Kinesis_20131202.\(operation)" }
}
