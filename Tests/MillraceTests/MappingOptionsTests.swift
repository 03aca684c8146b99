import ArgumentParser
import Foundation
import Testing

@testable import millrace

@Suite struct MappingOptionsTests {
    @Test(arguments: [
        ("--batch-size 500", #"{"BatchSize":500}"#),
        ("--maximum-batching-window-in-seconds 5", #"{"MaximumBatchingWindowInSeconds":5}"#),
        ("--parallelization-factor 10", #"{"ParallelizationFactor":10}"#),
        ("--maximum-retry-attempts -1", #"{"MaximumRetryAttempts":-1}"#),
        ("--maximum-record-age-in-seconds -1", #"{"MaximumRecordAgeInSeconds":-1}"#),
        ("--bisect-batch-on-function-error", #"{"BisectBatchOnFunctionError":true}"#),
        ("--no-bisect-batch-on-function-error", #"{"BisectBatchOnFunctionError":false}"#),
        (
            "--function-response-types ReportBatchItemFailures",
            #"{"FunctionResponseTypes":["ReportBatchItemFailures"]}"#
        ),
        ("--function-response-types none", #"{"FunctionResponseTypes":[]}"#),
        ("--tumbling-window-in-seconds 60", #"{"TumblingWindowInSeconds":60}"#),
        (
            #"--filter {"a":[1]} --filter {}"#,
            #"{"FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[1]}"},{"Pattern":"{}"}]}}"#
        ),
        ("--filter none", #"{"FilterCriteria":{}}"#),
        (#"--filter-criteria {"Filters":[]}"#, #"{"FilterCriteria":{"Filters":[]}}"#),
        (
            "--on-failure arn:aws:s3:::b",
            #"{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:s3:::b"}}}"#
        ),
        ("--on-failure none", #"{"DestinationConfig":{"OnFailure":{}}}"#),
        (#"--destination-config {"OnFailure":{}}"#, #"{"DestinationConfig":{"OnFailure":{}}}"#),
        ("--metrics EventCount", #"{"MetricsConfig":{"Metrics":["EventCount"]}}"#),
        ("--metrics none", #"{"MetricsConfig":{"Metrics":[]}}"#),
        (#"--metrics-config {"Metrics":[]}"#, #"{"MetricsConfig":{"Metrics":[]}}"#),
        ("--enabled", #"{"Enabled":true}"#),
        ("--no-enabled", #"{"Enabled":false}"#),
        ("", "{}"),
    ])
    func `each option is one field of Lambda's request, and nothing else is sent`(line: String, json: String)
        throws
    {
        let options = try MappingOptions.parse(words(line))

        #expect(try text(of: options.fields) == json)
    }

    @Test(arguments: [
        "--batch-size many", "--filter-criteria [", "--function-response-types Report",
        "--metrics ErrorCount",
        "--filter a --filter-criteria {}", "--filter none --filter a",
        "--on-failure a --destination-config {}",
        "--metrics EventCount --metrics-config {}", "--enabled --no-enabled",
    ])
    func `what Lambda has no field for is refused`(line: String) {
        #expect(throws: (any Error).self) { try MappingOptions.parse(words(line)) }
    }

    @Test func `a mapping is created with all that was said`() throws {
        let line = """
            counts flights --starting-position AT_TIMESTAMP --starting-position-timestamp 2026-01-31T12:00:00Z \
            --batch-size 10 --tags team=flights --tags empty=
            """
        let command = try MappingCreate.parse(words(line))

        let json = try text(of: command.fields(streamARN: "arn:stream"))

        #expect(
            json == """
                {"BatchSize":10,"EventSourceArn":"arn:stream","FunctionName":"counts",\
                "StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1769860800,\
                "Tags":{"empty":"","team":"flights"}}
                """
        )
    }

    @Test(arguments: [
        "counts flights", "counts --starting-position LATEST", "counts flights --starting-position NEWEST",
        "counts flights --starting-position AT_TIMESTAMP",
        "counts flights --starting-position LATEST --starting-position-timestamp 1",
        "counts flights --starting-position AT_TIMESTAMP --starting-position-timestamp yesterday",
    ])
    func `a mapping that does not say where to start is refused`(line: String) {
        #expect(throws: (any Error).self) { try MappingCreate.parse(words(line)) }
    }

    @Test func `an update changes what it names`() throws {
        let command = try MappingUpdate.parse(words("6f1e --function-name counts:live --batch-size 1"))

        #expect(try text(of: command.fields) == #"{"BatchSize":1,"FunctionName":"counts:live"}"#)
        #expect(throws: (any Error).self) { try MappingUpdate.parse(["6f1e"]) }
    }

    @Test func `a misspelt option brings the one that was probably meant`() throws {
        do {
            _ = try MappingUpdate.parse(words("6f1e --batch-sise 1"))
            Issue.record("the option was taken")
        } catch {
            #expect(MappingUpdate.fullMessage(for: error).contains("--batch-size"))
        }
    }

    private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

    private func text(of fields: [String: Any]) throws -> String {
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        return String(
            decoding: try JSONSerialization.data(withJSONObject: fields, options: options),
            as: UTF8.self
        )
    }
}
