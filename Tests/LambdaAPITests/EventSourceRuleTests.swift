import Foundation
import LambdaAPI
import StreamCore
import Testing

@testable import LambdaAPI

struct EventSourceRuleTests {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)
    private static let failed = "failed to satisfy constraint: "

    private func make(_ json: String) throws -> EventSource {
        let options = try LambdaCodec.decode(EventSourceOptions.self, from: Array(json.utf8))
        return try EventSourceRules.makeSource(for: "s", options, now: Self.now)
    }

    static let refusals: [(options: String, message: String)] = [
        (#""BatchSize":0"#, "'0' at 'batchSize' \(failed)Member must have value greater than or equal to 1"),
        (
            #""BatchSize":10001"#,
            "'10001' at 'batchSize' \(failed)Member must have value less than or equal to 10000"
        ),
        (#""MaximumBatchingWindowInSeconds":301"#, "'301' at 'maximumBatchingWindowInSeconds'"),
        (#""ParallelizationFactor":11"#, "'11' at 'parallelizationFactor'"),
        (#""MaximumRetryAttempts":-2"#, "'-2' at 'maximumRetryAttempts'"),
        (#""MaximumRecordAgeInSeconds":604801"#, "'604801' at 'maximumRecordAgeInSeconds'"),
        (
            #""MaximumRecordAgeInSeconds":59"#,
            "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800."
        ),
        (#""TumblingWindowInSeconds":901"#, "'901' at 'tumblingWindowInSeconds'"),
        (#""FunctionResponseTypes":["X"]"#, "enum value set: [ReportBatchItemFailures]"),
        (#""MetricsConfig":{"Metrics":["KafkaMetrics"]}"#, "Metrics KafkaMetrics is not supported"),
        (#""DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:sqs:r:1:q"}}"#, "OnSuccess"),
        (
            #""DestinationConfig":{"OnFailure":{"Destination":"kafka://t"}}"#,
            "The destination kafka://t is none"
        ),
        (
            #""DestinationConfig":{"OnFailure":{"Destination":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}}"#,
            "is the event source itself"
        ),
        (#""FilterCriteria":{"Filters":[{"Pattern":"{"}]}"#, "Invalid filter pattern definition."),
        (
            #""FilterCriteria":{"Filters":[\#(Array(repeating: "{}", count: 11).joined(separator: ","))]}"#,
            "11 filters"
        ),
        (#""ParallelizationFactor":2,"TumblingWindowInSeconds":30"#, "do not go together"),
        (#""Topics":["t"]"#, "Topics is not supported"),
        (#""ScalingConfig":{"MaximumConcurrency":5}"#, "ScalingConfig is not supported"),
        (
            #""SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["a:1"]}}"#,
            "SelfManagedEventSource"
        ),
        (#""KMSKeyArn":"arn:aws:kms:r:1:key/k""#, "KMSKeyArn is not supported"),
        (#""StartingPositionTimestamp":5"#, "goes with StartingPosition AT_TIMESTAMP only"),
    ]

    @Test(arguments: refusals.indices)
    func `an option out of its range or place is refused by its name`(index: Int) throws {
        let (options, message) = Self.refusals[index]

        let error = #expect(throws: LambdaError.self) {
            try make(#"{"StartingPosition":"LATEST",\#(options)}"#)
        }

        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (
            "{}",
            "1 validation error detected: Value null at 'startingPosition' \(failed)Member must not be null."
        ),
        (#"{"StartingPosition":"FIRST"}"#, "enum value set: [TRIM_HORIZON, LATEST, AT_TIMESTAMP]"),
        (#"{"StartingPosition":"AT_TIMESTAMP"}"#, "needs a StartingPositionTimestamp"),
        (#"{"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1700000001}"#, "in the future"),
    ])
    func `a mapping says where it starts, and not in the future`(json: String, message: String) throws {
        let error = #expect(throws: LambdaError.self) { try make(json) }

        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `a mapping that asks for nothing has Lambda's defaults`() throws {
        let source = try make(
            #"{"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1699999999.5,"Topics":[],"KMSKeyArn":""}"#
        )

        let start = StartingPosition.atTimestamp(Timestamp(milliseconds: 1_699_999_999_500))
        #expect(source == EventSource(stream: "s", startingPosition: start))
    }

    @Test func `an update changes what it names, and zero, -1 and empty lists are values`() throws {
        let source = try make(
            #"""
            {"StartingPosition":"LATEST","BatchSize":7,"MaximumRetryAttempts":3,"MaximumRecordAgeInSeconds":60,
             "FunctionResponseTypes":["ReportBatchItemFailures"],"MetricsConfig":{"Metrics":["EventCount"]},
             "FilterCriteria":{"Filters":[{"Pattern":"{\"data\":{\"a\":[1]}}"}]},
             "DestinationConfig":{"OnFailure":{"Destination":"arn:aws:s3:::bucket"}}}
            """#
        )
        func changed(_ json: String) throws -> EventSource {
            try EventSourceRules.change(
                source,
                LambdaCodec.decode(EventSourceOptions.self, from: Array(json.utf8))
            )
        }

        #expect(try changed("{}") == source)
        #expect(try changed(#"{"MaximumRetryAttempts":0}"#).maximumRetryAttempts == 0)
        #expect(try changed(#"{"MaximumRetryAttempts":-1}"#).maximumRetryAttempts == nil)
        #expect(try changed(#"{"MaximumRecordAgeInSeconds":-1}"#).maximumRecordAgeSeconds == nil)
        #expect(try !changed(#"{"FunctionResponseTypes":[]}"#).reportsBatchItemFailures)
        #expect(try changed(#"{"FilterCriteria":{}}"#).filterPatterns.isEmpty)
        #expect(try changed(#"{"MetricsConfig":{"Metrics":[]}}"#).metrics.isEmpty)
        #expect(try changed(#"{"DestinationConfig":{"OnFailure":{}}}"#).onFailure == nil)
        #expect(try changed(#"{"DestinationConfig":{"OnFailure":{"Destination":""}}}"#).onFailure == nil)
        let itself = #"{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:kinesis:r:1:stream/s"}}}"#
        #expect(throws: LambdaError.self) { try changed(itself) }
        #expect(try changed(#"{"BatchSize":9}"#).onFailure == .bucket(arn: "arn:aws:s3:::bucket"))
    }

    @Test(arguments: [
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1", "enhanced fan-out"),
        ("arn:aws:sqs:us-east-1:000000000000:q", "Unsupported source arn : arn:aws:sqs"),
        ("arn:aws:kinesis:eu-west-1:000000000000:stream/s", "Stream not found: arn:aws:kinesis:eu-west-1"),
        ("s", "Unsupported source arn : s"), ("", "EventSourceArn is missing"),
    ])
    func `a source that is no stream of this host is refused`(arn: String, message: String) throws {
        let error = #expect(throws: LambdaError.self) {
            try EventSourceARN.stream(in: arn, names: ResourceNames())
        }

        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
}
