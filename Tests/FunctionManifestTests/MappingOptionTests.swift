import FunctionManifest
import StreamCore
import Testing

/// The options of an event source mapping, with Lambda's ranges, defaults and rules.
struct MappingOptionTests {
    struct Valid: CustomTestStringConvertible, Sendable {
        let yaml: String
        let change: @Sendable (inout EventSource) -> Void
        var testDescription: String { yaml }

        init(_ yaml: String, _ change: @escaping @Sendable (inout EventSource) -> Void) {
            self.yaml = yaml
            self.change = change
        }
    }

    @Test(arguments: [
        Valid("BatchSize: 1") { $0.batchSize = 1 },
        Valid("BatchSize: 10000") { $0.batchSize = 10_000 },
        Valid("MaximumBatchingWindowInSeconds: 300") { $0.batchWindowSeconds = 300 },
        Valid("ParallelizationFactor: 1") { $0.parallelizationFactor = 1 },
        Valid("ParallelizationFactor: 10") { $0.parallelizationFactor = 10 },
        Valid("MaximumRetryAttempts: -1") { $0.maximumRetryAttempts = nil },
        Valid("MaximumRetryAttempts: 0") { $0.maximumRetryAttempts = 0 },
        Valid("MaximumRetryAttempts: 10000") { $0.maximumRetryAttempts = 10_000 },
        Valid("MaximumRecordAgeInSeconds: -1") { $0.maximumRecordAgeSeconds = nil },
        Valid("MaximumRecordAgeInSeconds: 60") { $0.maximumRecordAgeSeconds = 60 },
        Valid("MaximumRecordAgeInSeconds: 604800") { $0.maximumRecordAgeSeconds = 604_800 },
        Valid("BisectBatchOnFunctionError: true") { $0.bisectsOnError = true },
        Valid("FunctionResponseTypes: []") { $0.reportsBatchItemFailures = false },
        Valid("FunctionResponseTypes: [ReportBatchItemFailures]") { $0.reportsBatchItemFailures = true },
        Valid("TumblingWindowInSeconds: 0") { $0.tumblingWindowSeconds = 0 },
        Valid("TumblingWindowInSeconds: 900") { $0.tumblingWindowSeconds = 900 },
        Valid("FilterCriteria: {Filters: []}") { $0.filterPatterns = [] },
        Valid(
            #"FilterCriteria: {Filters: [{Pattern: '{"data": {"a": [1]}}'}, {Pattern: '{"data": {"b": [2]}}'}]}"#
        ) {
            $0.filterPatterns = [#"{"data": {"a": [1]}}"#, #"{"data": {"b": [2]}}"#]
        },
        Valid(
            "DestinationConfig: {OnFailure: {Type: SQS, Destination: 'arn:aws:sqs:us-east-1:000000000000:q'}}"
        ) {
            $0.onFailure = .queue(arn: "arn:aws:sqs:us-east-1:000000000000:q")
        },
        Valid("DestinationConfig: {OnFailure: {Destination: 'arn:aws:sns:us-east-1:000000000000:t'}}") {
            $0.onFailure = .topic(arn: "arn:aws:sns:us-east-1:000000000000:t")
        },
        Valid("DestinationConfig: {OnFailure: {Type: S3, Destination: 'arn:aws:s3:::bucket'}}") {
            $0.onFailure = .bucket(arn: "arn:aws:s3:::bucket")
        },
        Valid(
            "DestinationConfig: {OnFailure: {Destination: 'arn:aws:kinesis:us-east-1:000000000000:stream/failed'}}"
        ) {
            $0.onFailure = .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/failed")
        },
        Valid("DestinationConfig: {OnFailure: {Destination: 'file:///var/failed.jsonl'}}") {
            $0.onFailure = .file(path: "/var/failed.jsonl")
        },
        Valid("DestinationConfig: {}") { $0.onFailure = nil },
        Valid("MetricsConfig: {Metrics: [EventCount]}") { $0.metrics = ["EventCount"] },
        Valid("MetricsConfig: {Metrics: []}") { $0.metrics = [] },
        Valid("Tags: {team: flights, floor: 3}") { $0.tags = ["team": "flights", "floor": "3"] },
        Valid("Enabled: false") { $0.isEnabled = false },
        Valid("StartingPosition: LATEST") { $0.startingPosition = .latest },
    ])
    func `an option is read, and the others have Lambda's defaults`(valid: Valid) async throws {
        var expected = EventSource(stream: "flights", startingPosition: .trimHorizon)
        valid.change(&expected)

        let function = try await load(manifest(valid.yaml))

        #expect(function.eventSources == [expected])
    }

    @Test(arguments: [
        ("BatchSize: 10001", "8:18: BatchSize is 10001; it must be a whole number, 1–10,000"),
        ("ParallelizationFactor: 0", "8:30: ParallelizationFactor is 0; it must be a whole number, 1–10"),
        ("ParallelizationFactor: 11", "8:30: ParallelizationFactor is 11; it must be a whole number, 1–10"),
        (
            "MaximumRetryAttempts: -2",
            "8:29: MaximumRetryAttempts is -2; it must be -1 for no limit, or a whole number, 0–10,000"
        ),
        (
            "MaximumRetryAttempts: 10001",
            "8:29: MaximumRetryAttempts is 10001; it must be -1 for no limit, or a whole number, 0–10,000"
        ),
        (
            "MaximumRetryAttempts: \"3\"",
            "8:29: MaximumRetryAttempts is the text \"3\"; it must be -1 for no limit, or a whole number, 0–10,000"
        ),
        (
            "MaximumRecordAgeInSeconds: 0",
            "8:34: MaximumRecordAgeInSeconds is 0; it must be -1 for no limit, or a whole number, 60–604,800"
        ),
        (
            "MaximumRecordAgeInSeconds: 59",
            "8:34: MaximumRecordAgeInSeconds is 59; it must be -1 for no limit, or a whole number, 60–604,800"
        ),
        (
            "MaximumRecordAgeInSeconds: 604801",
            "8:34: MaximumRecordAgeInSeconds is 604801; it must be -1 for no limit, or a whole number, 60–604,800"
        ),
        (
            "BisectBatchOnFunctionError: 1",
            "8:35: BisectBatchOnFunctionError is 1; it must be true or false"
        ),
        (
            "FunctionResponseTypes: ReportBatchItemFailures",
            "8:30: FunctionResponseTypes is the text \"ReportBatchItemFailures\"; it must be a list"
        ),
        (
            "FunctionResponseTypes: [ReportBatchItemFailure]",
            "8:31: FunctionResponseTypes has the text \"ReportBatchItemFailure\"; "
                + "it may have ReportBatchItemFailures once; did you mean ReportBatchItemFailures?"
        ),
        ("FunctionResponseTypes: [a, b]", "8:30: FunctionResponseTypes has 2 elements; it may have 1"),
        (
            "TumblingWindowInSeconds: 901",
            "8:32: TumblingWindowInSeconds is 901; it must be a whole number, 0–900"
        ),
        ("FilterCriteria: []", "8:23: FilterCriteria is a list; it must be a map"),
        (
            "FilterCriteria: {Filter: []}",
            "8:24: Filter is not a key of FilterCriteria; did you mean Filters?"
        ),
        ("FilterCriteria: {Filters: [{}]}", "8:34: a filter needs Pattern"),
        ("FilterCriteria: {Filters: [{Pattern: {a: [1]}}]}", "8:44: Pattern is a map; it must be text"),
        ("DestinationConfig: {OnSuccess: {}}", "8:27: OnSuccess is not supported by this version"),
        ("DestinationConfig: {OnFailure: {}}", "8:38: OnFailure needs Destination"),
        (
            "DestinationConfig: {OnFailure: {Destination: queue}}",
            "8:52: Destination is the text \"queue\"; it must be the ARN of an SQS queue, an SNS topic, "
                + "an S3 bucket or a stream, or file:///ABSOLUTE/PATH"
        ),
        (
            "DestinationConfig: {OnFailure: {Type: SNS, Destination: 'arn:aws:sqs:us-east-1:000000000000:q'}}",
            "8:45: Type is the text \"SNS\"; the destination is of type SQS"
        ),
        (
            "DestinationConfig: {OnFailure: {Destination: 'arn:aws:kinesis:us-east-1:000000000000:stream/flights'}}",
            "8:52: Destination is the text \"arn:aws:kinesis:us-east-1:000000000000:stream/flights\"; "
                + "it is the stream that the event reads"
        ),
        (
            "DestinationConfig: {OnFailure: {Destination: 'arn:aws:kinesis:eu-west-1:000000000000:stream/a'}}",
            "8:52: Destination is the text \"arn:aws:kinesis:eu-west-1:000000000000:stream/a\"; "
                + "it names region eu-west-1, and this host's is us-east-1"
        ),
        (
            "MetricsConfig: {Metrics: [ErrorCount]}",
            "8:33: Metrics has the text \"ErrorCount\"; it may have EventCount once"
        ),
        ("Tags: [a]", "8:13: Tags is a list; it must be a map"),
        ("Parallelization: 2", "8:7: Parallelization is not a key of event Flights"),
    ])
    func `a wrong option is refused with its place, its value and the rule`(yaml: String, problem: String)
        async throws
    {
        let found = try await problems(of: manifest(yaml))

        #expect(found.count == 1)
        #expect(try #require(found.first).hasPrefix(problem), "\(found)")
    }

    @Test func `a tumbling window keeps one state for a shard, so lanes are refused`() async throws {
        let found = try await problems(
            of: manifest("TumblingWindowInSeconds: 60\n      ParallelizationFactor: 2")
        )

        #expect(
            found == [
                "9:30: ParallelizationFactor is 2; with TumblingWindowInSeconds it must be 1: "
                    + "the state of a window is one for its shard"
            ]
        )
    }

    @Test func `lanes without a tumbling window, and a window without lanes, are fine`() async throws {
        for yaml in [
            "TumblingWindowInSeconds: 60\n      ParallelizationFactor: 1",
            "TumblingWindowInSeconds: 0\n      ParallelizationFactor: 2",
        ] {
            #expect(try await problems(of: manifest(yaml)).isEmpty)
        }
    }

    @Test func `reading cannot start in the future`() async throws {
        let yaml = """
            Runtime: provided
            Events:
              Flights:
                Type: Kinesis
                Properties: {Stream: s, StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: 99999999999}
            """

        let found = try await problems(of: yaml)

        #expect(found.count == 1)
        #expect(try #require(found.first).hasSuffix("it must not be in the future"))
    }

    @Test func `a pattern that is no filter is refused with its own line`() async throws {
        let found = try await problems(
            of: manifest(
                """
                FilterCriteria:
                        Filters:
                          - Pattern: '{"data": {"a": [1]}}'
                          - Pattern: '{"data": {"a": [{"between": [1, 2]}]}}'
                          - Pattern: 'no JSON'
                """
            )
        )

        #expect(found.count == 2)
        #expect(
            try #require(found.first).hasPrefix("11:22: Pattern, data.a: \"between\" is no operator"),
            "\(found)"
        )
        #expect(try #require(found.last).hasPrefix("12:22: Pattern: "), "\(found)")
    }

    @Test func `eleven patterns are one too many`() async throws {
        let patterns = Array(repeating: #"{Pattern: '{"data": {"a": [1]}}'}"#, count: 11).joined(
            separator: ", "
        )

        let found = try await problems(of: manifest("FilterCriteria: {Filters: [\(patterns)]}"))

        #expect(found == ["8:33: Filters has 11 elements; it may have 10"])
    }

    /// The option stands in line 8; it may override the starting position.
    private func manifest(_ option: String) -> String {
        let start = option.hasPrefix("StartingPosition") ? "BatchSize: 100" : "StartingPosition: TRIM_HORIZON"
        return """
            Runtime: provided
            Events:
              Flights:
                Type: Kinesis
                Properties:
                  Stream: flights
                  \(start)
                  \(option)
            """
    }
}
