import ArgumentParser
import Foundation

/// The settings of a mapping, under Lambda's names in the form of options.
struct MappingOptions: ParsableArguments {
    @Option(help: "Most records in one invocation: 1–10000, default 100.")
    var batchSize: Int?

    @Option(help: "The longest a partial batch waits for more records: 0–300, default 0.")
    var maximumBatchingWindowInSeconds: Int?

    @Option(help: "Batches of one shard that run at the same time, split by partition key: 1–10, default 1.")
    var parallelizationFactor: Int?

    @Option(
        parsing: .unconditional,
        help: "Retries after the first attempt: 0–10000; -1, the default, for no limit."
    )
    var maximumRetryAttempts: Int?

    @Option(
        parsing: .unconditional,
        help: "Records that are older are given up: 60–604800; -1, the default, for no limit."
    )
    var maximumRecordAgeInSeconds: Int?

    @Flag(
        inversion: .prefixedNo,
        exclusivity: .exclusive,
        help: "Split a batch in two when the function fails with it."
    )
    var bisectBatchOnFunctionError: Bool?

    @Option(help: "ReportBatchItemFailures, or none.")
    var functionResponseTypes: ResponseTypes?

    @Option(help: "The length of the windows that state is kept for: 1–900; 0, the default, for none.")
    var tumblingWindowInSeconds: Int?

    @Option(
        help: """
            A pattern in JSON; a record passes when one of the patterns matches. May be repeated. \
            Or none, for every record.
            """
    )
    var filter: [String] = []

    @Option(help: "The patterns as Lambda takes them: {\"Filters\": [{\"Pattern\": \"…\"}]}.")
    var filterCriteria: JSONObject?

    @Option(
        help: """
            Where batches that are given up are sent: the ARN of an SQS queue, SNS topic, S3 bucket or stream, or \
            file:///PATH. Or none.
            """
    )
    var onFailure: String?

    @Option(help: "The destination as Lambda takes it: {\"OnFailure\": {\"Destination\": \"…\"}}.")
    var destinationConfig: JSONObject?

    @Option(help: "Metrics that are kept when asked for: EventCount, or none.")
    var metrics: Metrics?

    @Option(help: "The metrics as Lambda takes them: {\"Metrics\": [\"EventCount\"]}.")
    var metricsConfig: JSONObject?

    @Flag(
        name: .customLong("deaggregate-kpl"),
        inversion: .prefixedNo,
        exclusivity: .exclusive,
        help: "Take records of the Kinesis Producer Library apart, which Lambda does not."
    )
    var deaggregates: Bool?

    @Flag(inversion: .prefixedNo, exclusivity: .exclusive, help: "Whether records are read.")
    var enabled: Bool?

    func validate() throws {
        guard filter.isEmpty || filterCriteria == nil else {
            throw Self.twice("--filter", "--filter-criteria")
        }
        guard !filter.contains("none") || filter.count == 1 else {
            throw ValidationError("--filter none does not go with other patterns")
        }
        guard onFailure == nil || destinationConfig == nil else {
            throw Self.twice("--on-failure", "--destination-config")
        }
        guard metrics == nil || metricsConfig == nil else {
            throw Self.twice("--metrics", "--metrics-config")
        }
    }

    private static func twice(_ left: String, _ right: String) -> ValidationError {
        ValidationError("\(left) and \(right) say the same: give one of them")
    }

    /// The fields of a request to Lambda's API; only those that were given.
    var fields: [String: Any] {
        var fields: [String: Any] = [:]
        fields["BatchSize"] = batchSize
        fields["MaximumBatchingWindowInSeconds"] = maximumBatchingWindowInSeconds
        fields["ParallelizationFactor"] = parallelizationFactor
        fields["MaximumRetryAttempts"] = maximumRetryAttempts
        fields["MaximumRecordAgeInSeconds"] = maximumRecordAgeInSeconds
        fields["BisectBatchOnFunctionError"] = bisectBatchOnFunctionError
        fields["FunctionResponseTypes"] = functionResponseTypes?.values
        fields["TumblingWindowInSeconds"] = tumblingWindowInSeconds
        fields["FilterCriteria"] = filterCriteria?.value ?? filters
        fields["DestinationConfig"] = destinationConfig?.value ?? onFailure.map(Self.destination)
        fields["MetricsConfig"] = metricsConfig?.value ?? metrics.map { ["Metrics": $0.values] }
        fields["MillraceDeaggregateKPL"] = deaggregates
        fields["Enabled"] = enabled
        return fields
    }

    private var filters: [String: Any]? {
        guard !filter.isEmpty else { return nil }
        // An empty object is how Lambda is told to forget the patterns there were.
        return filter == ["none"] ? [:] : ["Filters": filter.map { ["Pattern": $0] }]
    }

    private static func destination(_ text: String) -> [String: Any] {
        ["OnFailure": text == "none" ? [:] : ["Destination": text]]
    }
}

/// What a function may answer beside success.
enum ResponseTypes: String, ExpressibleByArgument, CaseIterable {
    case reportBatchItemFailures = "ReportBatchItemFailures"
    case none

    var values: [String] { self == .none ? [] : [rawValue] }
}

/// Which opt-in metrics are kept.
enum Metrics: String, ExpressibleByArgument, CaseIterable {
    case eventCount = "EventCount"
    case none

    var values: [String] { self == .none ? [] : [rawValue] }
}

/// An option's value that is an object of JSON.
struct JSONObject: ExpressibleByArgument {
    private let text: String

    init?(argument: String) {
        text = argument
        guard value != nil else { return nil }
    }

    var value: [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
    }
}
