import Foundation

/// A mapping as Lambda's API answers it, in words.
struct MappingInWords {
    private let fields: [String: Any]

    init(_ fields: [String: Any]) {
        self.fields = fields
    }

    struct Line: Equatable {
        let name: String
        let text: String
    }

    /// A line for each setting, in the order of a batch's life.
    var lines: [Line] {
        var lines = [
            Line(name: "mapping", text: text("UUID") ?? "-"),
            Line(name: "function", text: text("FunctionArn") ?? "-"),
            Line(name: "stream", text: text("EventSourceArn") ?? "-"),
            Line(name: "starts at", text: startingPosition),
        ]
        lines.append(
            Line(
                name: "aggregates",
                text: flag("MillraceDeaggregateKPL")
                    ? "records that the KPL has packed are unpacked" : "handed over as they were put"
            )
        )
        lines += patterns.isEmpty ? [Line(name: "filter", text: "none: every record passes")] : patterns
        lines += [
            Line(name: "batch", text: batch),
            Line(name: "lanes", text: lanes),
            Line(name: "retries", text: retries),
            Line(name: "age limit", text: limit("MaximumRecordAgeInSeconds", unit: "s", none: "none")),
            Line(
                name: "on error",
                text: flag("BisectBatchOnFunctionError")
                    ? "the batch is split in two" : "the whole batch is repeated"
            ),
            Line(name: "answer", text: answer),
            Line(name: "window", text: window),
            Line(name: "on failure", text: destination ?? "stored here only"),
            Line(name: "metrics", text: list(of: "Metrics", in: "MetricsConfig")),
        ]
        lines += [
            Line(name: "state", text: text("State") ?? "-"),
            Line(name: "last result", text: text("LastProcessingResult") ?? "-"),
        ]
        return lines
    }

    private var startingPosition: String {
        let name = text("StartingPosition") ?? "-"
        guard let seconds = number("StartingPositionTimestamp") else { return name }
        let time = Date(timeIntervalSince1970: seconds.doubleValue)
        return "\(name) \(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))"
    }

    private var patterns: [Line] {
        let criteria = fields["FilterCriteria"] as? [String: Any]
        let filters = criteria?["Filters"] as? [[String: Any]] ?? []
        return filters.compactMap { $0["Pattern"] as? String }.map { Line(name: "filter", text: $0) }
    }

    private var batch: String {
        let size = number("BatchSize")?.intValue ?? 100
        let wait = number("MaximumBatchingWindowInSeconds")?.intValue ?? 0
        let records = "up to \(size) \(size == 1 ? "record" : "records")"
        return wait == 0 ? "\(records), sent at once" : "\(records), or what has come after \(wait) s"
    }

    private var lanes: String {
        let count = number("ParallelizationFactor")?.intValue ?? 1
        return count == 1
            ? "one batch of a shard at a time" : "\(count) batches of a shard at a time, by partition key"
    }

    private var retries: String { limit("MaximumRetryAttempts", unit: nil, none: "for ever") }

    private var answer: String {
        let types = fields["FunctionResponseTypes"] as? [String] ?? []
        return types.contains("ReportBatchItemFailures")
            ? "names the records that failed (ReportBatchItemFailures)"
            : "success or failure of the whole batch"
    }

    private var window: String {
        let seconds = number("TumblingWindowInSeconds")?.intValue ?? 0
        return seconds == 0 ? "none" : "tumbling, \(seconds) s"
    }

    private var destination: String? {
        let config = fields["DestinationConfig"] as? [String: Any]
        return (config?["OnFailure"] as? [String: Any])?["Destination"] as? String
    }

    private func limit(_ key: String, unit: String?, none: String) -> String {
        let value = number(key)?.intValue ?? -1
        return value < 0 ? none : ["\(value)", unit].compactMap { $0 }.joined(separator: " ")
    }

    private func list(of key: String, in parent: String) -> String {
        let values = (fields[parent] as? [String: Any])?[key] as? [String] ?? []
        return values.isEmpty ? "the usual" : "the usual and \(values.joined(separator: ", "))"
    }

    private func text(_ key: String) -> String? { fields[key] as? String }
    private func number(_ key: String) -> NSNumber? { fields[key] as? NSNumber }
    private func flag(_ key: String) -> Bool { fields[key] as? Bool ?? false }
}
