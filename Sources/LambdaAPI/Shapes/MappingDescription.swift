import StreamCore

/// An event source mapping as the API shows it.
struct MappingDescription: Encodable {
    struct Filter: Encodable { let pattern: String }
    struct FilterCriteria: Encodable { let filters: [Filter] }
    struct Destination: Encodable { let destination: String? }
    struct DestinationConfig: Encodable { let onFailure: Destination }
    struct MetricsConfig: Encodable { let metrics: [String] }

    /// Not `uuid`: the encoder makes only the first letter a capital one.
    let uUID: String
    let eventSourceMappingArn: String
    let eventSourceArn: String
    let functionArn: String
    let batchSize: Int
    let maximumBatchingWindowInSeconds: Int
    let parallelizationFactor: Int
    let startingPosition: String
    /// Seconds since 1970, as `lastModified`.
    let startingPositionTimestamp: Double?
    let maximumRetryAttempts: Int
    let maximumRecordAgeInSeconds: Int
    let bisectBatchOnFunctionError: Bool
    let functionResponseTypes: [String]
    let tumblingWindowInSeconds: Int
    let filterCriteria: FilterCriteria?
    let destinationConfig: DestinationConfig
    let metricsConfig: MetricsConfig?
    /// Not of Lambda's API: left out where it is not asked for.
    let millraceDeaggregateKPL: Bool?
    let state: String
    let stateTransitionReason = "User action"
    let lastModified: Double
    let lastProcessingResult: String

    init(_ mapping: EventSourceMapping, lastResult: String?, names: ResourceNames) {
        let source = mapping.source
        uUID = mapping.id.text
        eventSourceMappingArn = names.mapping(mapping.id)
        eventSourceArn = names.stream(source.stream)
        functionArn = names.function(mapping.function, mapping.qualifier)
        batchSize = source.batchSize
        maximumBatchingWindowInSeconds = source.batchWindowSeconds
        parallelizationFactor = source.parallelizationFactor
        startingPosition = source.startingPosition.name
        startingPositionTimestamp =
            if case .atTimestamp(let time) = source.startingPosition { time.seconds } else { nil }
        maximumRetryAttempts = source.maximumRetryAttempts ?? -1
        maximumRecordAgeInSeconds = source.maximumRecordAgeSeconds ?? -1
        bisectBatchOnFunctionError = source.bisectsOnError
        functionResponseTypes = source.reportsBatchItemFailures ? ["ReportBatchItemFailures"] : []
        tumblingWindowInSeconds = source.tumblingWindowSeconds
        let patterns = source.filterPatterns
        filterCriteria = patterns.isEmpty ? nil : FilterCriteria(filters: patterns.map(Filter.init))
        destinationConfig = DestinationConfig(onFailure: Destination(destination: source.onFailure?.text))
        metricsConfig = source.metrics.isEmpty ? nil : MetricsConfig(metrics: source.metrics)
        millraceDeaggregateKPL = source.deaggregates ? true : nil
        state = mapping.state.rawValue
        lastModified = mapping.lastModified.seconds
        lastProcessingResult = lastResult ?? "No records processed"
    }
}

extension Timestamp {
    fileprivate var seconds: Double { Double(milliseconds) / 1_000 }
}
