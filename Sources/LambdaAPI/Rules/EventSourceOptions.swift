/// The options of a mapping as a request gives them; `nil` where it is silent.
package struct EventSourceOptions: Sendable {
    package var enabled: Bool?
    package var batchSize: Int?
    package var maximumBatchingWindowInSeconds: Int?
    package var parallelizationFactor: Int?
    package var startingPosition: String?
    /// Unix seconds.
    package var startingPositionTimestamp: Double?
    /// -1 repeats for ever.
    package var maximumRetryAttempts: Int?
    /// -1 for no limit.
    package var maximumRecordAgeInSeconds: Int?
    package var bisectBatchOnFunctionError: Bool?
    package var functionResponseTypes: [String]?
    package var tumblingWindowInSeconds: Int?
    /// The patterns of `FilterCriteria.Filters`; an empty list takes the filter away.
    package var filterPatterns: [String]?
    /// `DestinationConfig`; one without destinations takes them away.
    package var destinations: Destinations?
    /// Millrace's own `MillraceDeaggregateKPL`.
    package var deaggregates: Bool?
    /// `MetricsConfig.Metrics`.
    package var metrics: [String]?
    /// Options of other event sources that the request asks for something with.
    package var foreign: [String] = []

    package struct Destinations: Sendable {
        package var onSuccess: String?
        package var onFailure: String?

        package init(onSuccess: String? = nil, onFailure: String? = nil) {
            self.onSuccess = onSuccess
            self.onFailure = onFailure
        }
    }

    package init() {}
}

extension EventSourceOptions: Decodable {
    private enum CodingKeys: CodingKey, CaseIterable {
        case enabled, batchSize, maximumBatchingWindowInSeconds, parallelizationFactor, startingPosition
        case startingPositionTimestamp, maximumRetryAttempts, maximumRecordAgeInSeconds
        case bisectBatchOnFunctionError, functionResponseTypes, tumblingWindowInSeconds, filterCriteria
        case destinationConfig, metricsConfig, millraceDeaggregateKPL
        // Of other event sources.
        case topics, queues, sourceAccessConfigurations, selfManagedEventSource
        case amazonManagedKafkaEventSourceConfig, selfManagedKafkaEventSourceConfig, scalingConfig
        case documentDBEventSourceConfig, kMSKeyArn, loggingConfig, provisionedPollerConfig

        static let foreign: [CodingKeys] = [
            .topics, .queues, .sourceAccessConfigurations, .selfManagedEventSource,
            .amazonManagedKafkaEventSourceConfig, .selfManagedKafkaEventSourceConfig, .scalingConfig,
            .documentDBEventSourceConfig, .kMSKeyArn, .loggingConfig, .provisionedPollerConfig,
        ]
    }

    private struct FilterCriteria: Decodable {
        struct Filter: Decodable { let pattern: String? }
        let filters: [Filter]?
    }

    private struct DestinationConfig: Decodable {
        struct Target: Decodable { let destination: String? }
        let onSuccess: Target?
        let onFailure: Target?
    }

    private struct MetricsConfig: Decodable { let metrics: [String]? }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
            try container.decodeIfPresent(Value.self, forKey: key)
        }
        enabled = try value(.enabled)
        batchSize = try value(.batchSize)
        maximumBatchingWindowInSeconds = try value(.maximumBatchingWindowInSeconds)
        parallelizationFactor = try value(.parallelizationFactor)
        startingPosition = try value(.startingPosition)
        startingPositionTimestamp = try value(.startingPositionTimestamp)
        maximumRetryAttempts = try value(.maximumRetryAttempts)
        maximumRecordAgeInSeconds = try value(.maximumRecordAgeInSeconds)
        bisectBatchOnFunctionError = try value(.bisectBatchOnFunctionError)
        functionResponseTypes = try value(.functionResponseTypes)
        tumblingWindowInSeconds = try value(.tumblingWindowInSeconds)
        let criteria: FilterCriteria? = try value(.filterCriteria)
        // A filter without a pattern lets everything pass, as an empty pattern does.
        filterPatterns = criteria.map { ($0.filters ?? []).map { $0.pattern ?? "{}" } }
        let config: DestinationConfig? = try value(.destinationConfig)
        destinations = config.map {
            Destinations(onSuccess: $0.onSuccess?.destination, onFailure: $0.onFailure?.destination)
        }
        deaggregates = try value(.millraceDeaggregateKPL)
        let metricsConfig: MetricsConfig? = try value(.metricsConfig)
        metrics = metricsConfig.map { $0.metrics ?? [] }
        foreign = try CodingKeys.foreign.compactMap { key in
            let asked: JSONValue? = try value(key)
            return asked?.isNothing == false
                ? key.stringValue.prefix(1).uppercased() + key.stringValue.dropFirst() : nil
        }
    }
}
