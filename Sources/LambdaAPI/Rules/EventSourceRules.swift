import Delivery
import Foundation
package import StreamCore

/// Which options a mapping of a stream may have, and together with which others; ranges and messages are Lambda's.
package enum EventSourceRules {
    private static let positions = ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]
    private static let responseTypes = ["ReportBatchItemFailures"]
    private static let metricNames = ["EventCount", "ErrorCount", "KafkaMetrics"]
    private static let maximumFilters = 10

    /// The source that a new mapping has.
    package static func makeSource(
        for stream: StreamName,
        _ options: EventSourceOptions,
        now: Timestamp
    ) throws(LambdaError) -> EventSource {
        try check(options)
        let start = try startingPosition(options, now: now)
        return try applied(options, to: EventSource(stream: stream, startingPosition: start))
    }

    /// The source with the options that a request names; where it is silent nothing changes.
    package static func change(_ source: EventSource, _ options: EventSourceOptions) throws(LambdaError)
        -> EventSource
    {
        try check(options)
        return try applied(options, to: source)
    }

    /// What each option may be by itself.
    private static func check(_ options: EventSourceOptions) throws(LambdaError) {
        if let option = options.foreign.first {
            throw .unsupported(option, "event sources are Kinesis streams, which do not have this option")
        }
        var checks = RequestChecks()
        checks.number(options.batchSize, at: "batchSize", in: 1...10_000)
        checks.number(
            options.maximumBatchingWindowInSeconds,
            at: "maximumBatchingWindowInSeconds",
            in: 0...300
        )
        checks.number(options.parallelizationFactor, at: "parallelizationFactor", in: 1...10)
        checks.number(options.maximumRetryAttempts, at: "maximumRetryAttempts", in: -1...10_000)
        checks.number(options.maximumRecordAgeInSeconds, at: "maximumRecordAgeInSeconds", in: -1...604_800)
        checks.number(options.tumblingWindowInSeconds, at: "tumblingWindowInSeconds", in: 0...900)
        checks.oneOf(positions, options.startingPosition, at: "startingPosition")
        checks.list(options.functionResponseTypes, at: "functionResponseTypes", length: 0...1)
        for type in options.functionResponseTypes ?? [] {
            checks.oneOf(responseTypes, type, at: "functionResponseTypes")
        }
        checks.list(options.metrics, at: "metricsConfig.metrics", length: 0...3)
        for name in options.metrics ?? [] { checks.oneOf(metricNames, name, at: "metricsConfig.metrics") }
        for (index, pattern) in (options.filterPatterns ?? []).enumerated() {
            checks.text(pattern, at: "filterCriteria.filters.\(index + 1).member.pattern", length: 0...4_096)
        }
        checks.text(
            options.destinations?.onFailure,
            at: "destinationConfig.onFailure.destination",
            length: 0...350
        )
        try checks.finish()
    }

    private static func startingPosition(_ options: EventSourceOptions, now: Timestamp) throws(LambdaError)
        -> StartingPosition
    {
        guard let name = options.startingPosition else {
            throw .invalid(
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
                    + "Member must not be null."
            )
        }
        guard name == "AT_TIMESTAMP" else {
            guard options.startingPositionTimestamp == nil else {
                throw .invalid("StartingPositionTimestamp goes with StartingPosition AT_TIMESTAMP only.")
            }
            return name == "LATEST" ? .latest : .trimHorizon
        }
        guard let seconds = options.startingPositionTimestamp else {
            throw .invalid("StartingPosition AT_TIMESTAMP needs a StartingPositionTimestamp.")
        }
        guard seconds >= 0, seconds * 1_000 <= Double(now.milliseconds) else {
            throw .invalid("StartingPositionTimestamp must be in Unix seconds and must not be in the future.")
        }
        return .atTimestamp(Timestamp(milliseconds: Int64((seconds * 1_000).rounded())))
    }
}

// MARK: - Options together

extension EventSourceRules {
    private static func applied(_ options: EventSourceOptions, to source: EventSource) throws(LambdaError)
        -> EventSource
    {
        var source = source
        source.isEnabled = options.enabled ?? source.isEnabled
        source.batchSize = options.batchSize ?? source.batchSize
        source.batchWindowSeconds = options.maximumBatchingWindowInSeconds ?? source.batchWindowSeconds
        source.parallelizationFactor = options.parallelizationFactor ?? source.parallelizationFactor
        source.bisectsOnError = options.bisectBatchOnFunctionError ?? source.bisectsOnError
        source.tumblingWindowSeconds = options.tumblingWindowInSeconds ?? source.tumblingWindowSeconds
        source.deaggregates = options.deaggregates ?? source.deaggregates
        if let attempts = options.maximumRetryAttempts {
            source.maximumRetryAttempts = attempts < 0 ? nil : attempts
        }
        if let age = options.maximumRecordAgeInSeconds {
            source.maximumRecordAgeSeconds = try checkedAge(age)
        }
        if let types = options.functionResponseTypes { source.reportsBatchItemFailures = !types.isEmpty }
        if let patterns = options.filterPatterns { source.filterPatterns = try checkedPatterns(patterns) }
        if let destinations = options.destinations { source.onFailure = try checkedTarget(destinations) }
        if case .stream(let arn) = source.onFailure, ResourceNames.streamName(in: arn) == source.stream {
            throw .invalid(
                "The destination \(arn) is the event source itself: failures would be read again for ever."
            )
        }
        if let metrics = options.metrics { source.metrics = try checkedMetrics(metrics) }
        guard source.parallelizationFactor == 1 || source.tumblingWindowSeconds == 0 else {
            throw .invalid(
                "ParallelizationFactor above 1 and TumblingWindowInSeconds above 0 do not go together: the state of a "
                    + "window belongs to its whole shard."
            )
        }
        return source
    }

    private static func checkedAge(_ seconds: Int) throws(LambdaError) -> Int? {
        guard seconds >= 0 else { return nil }
        guard seconds >= 60 else {
            throw .invalid("MaximumRecordAgeInSeconds must be -1 or between 60 and 604800.")
        }
        return seconds
    }

    private static func checkedPatterns(_ patterns: [String]) throws(LambdaError) -> [String] {
        guard patterns.count <= maximumFilters else {
            throw .invalid(
                "FilterCriteria has \(patterns.count) filters; an event source mapping has at most \(maximumFilters)."
            )
        }
        do {
            _ = try RecordFilter(patterns: patterns)
        } catch {
            throw .invalid("Invalid filter pattern definition. \(error)")
        }
        return patterns
    }

    /// - Returns: `nil` when no destination is named.
    private static func checkedTarget(_ destinations: EventSourceOptions.Destinations) throws(LambdaError)
        -> FailureTarget?
    {
        guard destinations.onSuccess ?? "" == "" else {
            throw .invalid(
                "Unsupported DestinationConfig parameter for given event source mapping type: OnSuccess."
            )
        }
        guard let text = destinations.onFailure, !text.isEmpty else { return nil }
        guard let target = FailureTarget(text) else {
            throw .invalid(
                "The destination \(text) is none that failures can be sent to: name the ARN of an SQS queue, an SNS topic, "
                    + "an S3 bucket or a Kinesis stream, or file:///ABSOLUTE/PATH."
            )
        }
        return target
    }

    private static func checkedMetrics(_ names: [String]) throws(LambdaError) -> [String] {
        if let other = names.first(where: { $0 != "EventCount" }) {
            throw .invalid("Metrics \(other) is not supported for Kinesis event sources; EventCount is.")
        }
        return names.isEmpty ? [] : ["EventCount"]
    }
}
