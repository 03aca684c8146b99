import Foundation
import Testing

@testable import millrace

@Suite struct MappingInWordsTests {
    /// A fresh mapping as the real service answered it.
    private static let fresh = """
        {"UUID":"u","EventSourceMappingArn":"arn:aws:lambda:R:A:event-source-mapping:u",
         "BatchSize":100,"MaximumBatchingWindowInSeconds":0,"ParallelizationFactor":1,
         "StartingPosition":"LATEST","EventSourceArn":"s","FunctionArn":"f",
         "LastModified":1541139209.351,"LastProcessingResult":"No records processed",
         "State":"Creating","StateTransitionReason":"User action",
         "DestinationConfig":{"OnFailure":{}},"FunctionResponseTypes":[],
         "MaximumRecordAgeInSeconds":-1,"MaximumRetryAttempts":-1,
         "BisectBatchOnFunctionError":false,"TumblingWindowInSeconds":0}
        """

    @Test func `a mapping with Lambda's defaults is told in words`() throws {
        #expect(
            try lines(of: Self.fresh) == [
                "mapping: u", "function: f", "stream: s", "starts at: LATEST",
                "aggregates: handed over as they were put",
                "filter: none: every record passes", "batch: up to 100 records, sent at once",
                "lanes: one batch of a shard at a time", "retries: for ever", "age limit: none",
                "on error: the whole batch is repeated", "answer: success or failure of the whole batch",
                "window: none", "on failure: stored here only", "metrics: the usual", "state: Creating",
                "last result: No records processed",
            ]
        )
    }

    @Test(arguments: [
        (
            #"{"BatchSize":1,"MaximumBatchingWindowInSeconds":5}"#,
            "batch: up to 1 record, or what has come after 5 s"
        ),
        (#"{"MillraceDeaggregateKPL":true}"#, "aggregates: records that the KPL has packed are unpacked"),
        (#"{"ParallelizationFactor":4}"#, "lanes: 4 batches of a shard at a time, by partition key"),
        (#"{"MaximumRetryAttempts":0}"#, "retries: 0"),
        (#"{"MaximumRecordAgeInSeconds":60}"#, "age limit: 60 s"),
        (#"{"BisectBatchOnFunctionError":true}"#, "on error: the batch is split in two"),
        (
            #"{"FunctionResponseTypes":["ReportBatchItemFailures"]}"#,
            "answer: names the records that failed (ReportBatchItemFailures)"
        ),
        (#"{"TumblingWindowInSeconds":60}"#, "window: tumbling, 60 s"),
        (#"{"FilterCriteria":{"Filters":[{"Pattern":"{}"}]}}"#, "filter: {}"),
        (#"{"DestinationConfig":{"OnFailure":{"Destination":"arn:q"}}}"#, "on failure: arn:q"),
        (#"{"MetricsConfig":{"Metrics":["EventCount"]}}"#, "metrics: the usual and EventCount"),
        (
            #"{"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1700000000.5}"#,
            "starts at: AT_TIMESTAMP 2023-11-14T22:13:20.500Z"
        ),
    ])
    func `each setting has its words`(json: String, line: String) throws {
        #expect(try lines(of: json).contains(line))
    }

    private func lines(of json: String) throws -> [String] {
        let fields = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        return MappingInWords(try #require(fields)).lines.map { "\($0.name): \($0.text)" }
    }
}
