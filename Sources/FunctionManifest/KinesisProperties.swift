import Delivery
import Foundation
import StreamCore
import Yams

/// Reads the Properties of an event of type Kinesis: an event source mapping in SAM's words.
struct KinesisProperties {
    private let map: ManifestMap
    private let name: String
    private let names: ResourceNames

    /// - Parameters:
    ///   - name: `event Flights`.
    ///   - names: Of the host; an ARN that differs is refused.
    init(_ map: ManifestMap, named name: String, names: ResourceNames) {
        self.map = map
        self.name = name
        self.names = names
    }

    /// - Returns: `nil` when it is wrong, which is reported.
    func source() -> EventSource? {
        map.require("Stream", of: name)
        map.require("StartingPosition", of: name)
        let stream = stream()
        let start = startingPosition()
        // Read as a whole before anything is decided: everything that is wrong is told at once.
        let batchSize = map.integer("BatchSize", in: 1...10_000)
        let window = map.integer("MaximumBatchingWindowInSeconds", in: 0...300)
        let isEnabled = map.bool("Enabled")
        let lanes = map.integer("ParallelizationFactor", in: 1...10)
        let retries = map.limit("MaximumRetryAttempts", in: 0...10_000)
        let age = map.limit("MaximumRecordAgeInSeconds", in: 60...604_800)
        let bisects = map.bool("BisectBatchOnFunctionError")
        let responses = map.words("FunctionResponseTypes", among: ["ReportBatchItemFailures"])
        let tumbling = map.integer("TumblingWindowInSeconds", in: 0...900)
        let patterns = filterPatterns()
        let onFailure = failureTarget(readingFrom: stream)
        let metrics = map.map("MetricsConfig", keys: Self.metricsKeys)?.words(
            "Metrics",
            among: ["EventCount"]
        )
        let deaggregates = map.bool("MillraceDeaggregateKPL")
        let tags = TagProperties.tags(in: map)
        refuse(tumblingWindow: tumbling ?? 0, lanes: lanes ?? 1)

        guard let stream, let start else { return nil }
        return EventSource(
            stream: stream,
            startingPosition: start,
            batchSize: batchSize ?? 100,
            batchWindowSeconds: window ?? 0,
            isEnabled: isEnabled ?? true,
            parallelizationFactor: lanes ?? 1,
            maximumRetryAttempts: retries,
            maximumRecordAgeSeconds: age,
            bisectsOnError: bisects ?? false,
            reportsBatchItemFailures: responses?.isEmpty == false,
            tumblingWindowSeconds: tumbling ?? 0,
            filterPatterns: patterns,
            onFailure: onFailure,
            deaggregates: deaggregates ?? false,
            metrics: metrics ?? [],
            tags: tags
        )
    }

    private func refuse(tumblingWindow seconds: Int, lanes: Int) {
        guard seconds > 0, lanes > 1 else { return }
        let _: Int? = map.refuse(
            "ParallelizationFactor",
            "with TumblingWindowInSeconds it must be 1: the state of a window is one for its shard"
        )
    }
}

extension KinesisProperties {
    private func stream() -> StreamName? {
        guard let text = map.text("Stream") else { return nil }
        let rule = "it must be a stream's name (1–128 of a-z A-Z 0-9 _ . -) or its ARN"
        guard let stream = ResourceNames.streamName(in: text) else { return map.refuse("Stream", rule) }
        guard let rule = foreignRule(text) else { return stream }
        return map.refuse("Stream", rule)
    }

    /// Why an ARN names no stream of this host; `nil` when it may, and for a plain name.
    private func foreignRule(_ text: String) -> String? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count > 5 else { return nil }
        let others = [("region", fields[3], names.region), ("account", fields[4], names.account)]
            .filter { $1 != $2 }
            .map { "\($0) \($1), and this host's is \($2)" }
        return others.isEmpty ? nil : "it names \(others.joined(separator: "; "))"
    }

    private func startingPosition() -> StartingPosition? {
        let time = timestamp()
        guard let text = map.text("StartingPosition") else { return nil }
        guard Self.positions.contains(text) else {
            let hint = NearestName.hint(for: text, among: Self.positions)
            return map.refuse(
                "StartingPosition",
                "it must be \(Self.positions.joined(separator: ", "))\(hint)"
            )
        }
        guard text == "AT_TIMESTAMP" else {
            guard !map.has("StartingPositionTimestamp") else {
                return map.refuse(
                    "StartingPositionTimestamp",
                    "it goes with StartingPosition AT_TIMESTAMP only"
                )
            }
            return text == "LATEST" ? .latest : .trimHorizon
        }
        map.require("StartingPositionTimestamp", of: "StartingPosition AT_TIMESTAMP")
        return time.map(StartingPosition.atTimestamp)
    }

    private static let positions = ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]

    /// Unix seconds, with a fraction if need be.
    private func timestamp() -> Timestamp? {
        guard map.has("StartingPositionTimestamp") else { return nil }
        // Up to the end of the year 9999.
        guard let seconds = map.decimal("StartingPositionTimestamp"), 0...253_402_300_799 ~= seconds else {
            return map.refuse("StartingPositionTimestamp", "it must be Unix seconds")
        }
        guard seconds <= Date().timeIntervalSince1970 else {
            return map.refuse("StartingPositionTimestamp", "it must not be in the future")
        }
        return Timestamp(milliseconds: Int64((seconds * 1000).rounded()))
    }
}

extension KinesisProperties {
    private static let maximumPatterns = 10
    private static let maximumPatternLength = 4096

    /// Each as a text of JSON, as SAM takes it.
    private func filterPatterns() -> [String] {
        guard let criteria = map.map("FilterCriteria", keys: Self.filterCriteriaKeys) else { return [] }
        let filters = (criteria.list("Filters", atMost: Self.maximumPatterns) ?? []).compactMap { node in
            ManifestMap(node, named: "a filter", keys: Self.filterKeys, log: map.log)
        }
        var patterns: [(text: String, filter: ManifestMap)] = []
        for filter in filters {
            filter.require("Pattern", of: "a filter")
            guard let text = filter.text("Pattern", maximumLength: Self.maximumPatternLength) else {
                continue
            }
            patterns.append((text, filter))
        }
        do {
            _ = try RecordFilter(patterns: patterns.map(\.text))
        } catch {
            for problem in error.problems {
                let filter = problem.pattern.map { patterns[$0 - 1].filter }
                let subject = ["Pattern", problem.path].filter { !$0.isEmpty }.joined(separator: ", ")
                map.log.add(
                    at: filter?.place(of: "Pattern") ?? criteria.place(of: "Filters"),
                    "\(subject): \(problem.reason)"
                )
            }
        }
        return patterns.map(\.text)
    }

    private static let targetRule = """
        it must be the ARN of an SQS queue, an SNS topic, an S3 bucket or a stream, or file:///ABSOLUTE/PATH
        """

    private func failureTarget(readingFrom stream: StreamName?) -> FailureTarget? {
        guard let config = map.map("DestinationConfig", keys: Self.destinationKeys),
            let destination = config.map("OnFailure", keys: Self.onFailureKeys)
        else { return nil }
        destination.require("Destination", of: "OnFailure")
        guard let text = destination.text("Destination", maximumLength: 350) else { return nil }
        guard let target = FailureTarget(text) else {
            return destination.refuse("Destination", Self.targetRule)
        }
        if case .stream(let arn) = target {
            if let rule = foreignRule(arn) { return destination.refuse("Destination", rule) }
            guard ResourceNames.streamName(in: arn) != stream else {
                return destination.refuse("Destination", "it is the stream that the event reads")
            }
        }
        guard let type = destination.text("Type"), type != target.type else { return target }
        return destination.refuse("Type", "the destination is of type \(target.type)")
    }
}

extension FailureTarget {
    /// As SAM names it; it has no word for the last two.
    fileprivate var type: String {
        switch self {
        case .queue: "SQS"
        case .topic: "SNS"
        case .bucket: "S3"
        case .stream: "Kinesis"
        case .file: "File"
        }
    }
}
