/// "Run this function for that stream", with its settings, in the options of Lambda's event source mappings.
///
/// Ranges and defaults are Lambda's.
package struct EventSource: Hashable, Sendable {
    package var stream: StreamName
    package var startingPosition: StartingPosition
    /// Most records in one invocation: 1–10,000, default 100.
    package var batchSize: Int
    /// The longest a partial batch waits for more records: 0–300 s, default 0 (send at once).
    package var batchWindowSeconds: Int
    package var isEnabled: Bool
    /// How many batches of one shard run at the same time, split by partition key: 1–10, default 1.
    package var parallelizationFactor: Int
    /// Retries after the first attempt: 0–10,000; `nil` repeats for ever, Lambda's -1 and the default.
    package var maximumRetryAttempts: Int?
    /// Records older than this are given up: 60–604,800 s; `nil` for no limit, Lambda's -1 and the default.
    package var maximumRecordAgeSeconds: Int?
    /// Splits a batch in two when the function fails with it.
    package var bisectsOnError: Bool
    /// Reads `batchItemFailures` from the function's answer.
    package var reportsBatchItemFailures: Bool
    /// The length of the windows that state is kept for: 1–900 s; 0, the default, for none.
    package var tumblingWindowSeconds: Int
    /// Patterns in JSON, at most ten of 4,096 characters; a record passes when one of them matches, or there is none.
    package var filterPatterns: [String]
    /// Where batches that are given up are sent, beside being stored.
    package var onFailure: FailureTarget?
    /// Takes records of the Kinesis Producer Library apart, which Lambda does not: the function gets what was aggregated.
    package var deaggregates: Bool
    /// Which opt-in metrics are kept: `EventCount`.
    package var metrics: [String]
    /// What the mapping is tagged with when it is made from its function's definition.
    package var tags: [String: String]

    package init(
        stream: StreamName,
        startingPosition: StartingPosition,
        batchSize: Int = 100,
        batchWindowSeconds: Int = 0,
        isEnabled: Bool = true,
        parallelizationFactor: Int = 1,
        maximumRetryAttempts: Int? = nil,
        maximumRecordAgeSeconds: Int? = nil,
        bisectsOnError: Bool = false,
        reportsBatchItemFailures: Bool = false,
        tumblingWindowSeconds: Int = 0,
        filterPatterns: [String] = [],
        onFailure: FailureTarget? = nil,
        deaggregates: Bool = false,
        metrics: [String] = [],
        tags: [String: String] = [:]
    ) {
        self.stream = stream
        self.startingPosition = startingPosition
        self.batchSize = batchSize
        self.batchWindowSeconds = batchWindowSeconds
        self.isEnabled = isEnabled
        self.parallelizationFactor = parallelizationFactor
        self.maximumRetryAttempts = maximumRetryAttempts
        self.maximumRecordAgeSeconds = maximumRecordAgeSeconds
        self.bisectsOnError = bisectsOnError
        self.reportsBatchItemFailures = reportsBatchItemFailures
        self.tumblingWindowSeconds = tumblingWindowSeconds
        self.filterPatterns = filterPatterns
        self.onFailure = onFailure
        self.deaggregates = deaggregates
        self.metrics = metrics
        self.tags = tags
    }

    package var batchWindow: Duration { .seconds(batchWindowSeconds) }
}

extension EventSource: Codable {
    private enum CodingKeys: CodingKey {
        case stream, startingPosition, batchSize, batchWindowSeconds, isEnabled, parallelizationFactor
        case maximumRetryAttempts, maximumRecordAgeSeconds, bisectsOnError, reportsBatchItemFailures
        case tumblingWindowSeconds, filterPatterns, onFailure, deaggregates, metrics, tags
    }

    /// What an older version stored has fewer options; the others have their defaults.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func value<Value: Decodable>(_ key: CodingKeys, default fallback: Value) throws -> Value {
            try container.decodeIfPresent(Value.self, forKey: key) ?? fallback
        }
        self.init(
            stream: try container.decode(StreamName.self, forKey: .stream),
            startingPosition: try container.decode(StartingPosition.self, forKey: .startingPosition),
            batchSize: try value(.batchSize, default: 100),
            batchWindowSeconds: try value(.batchWindowSeconds, default: 0),
            isEnabled: try value(.isEnabled, default: true),
            parallelizationFactor: try value(.parallelizationFactor, default: 1),
            maximumRetryAttempts: try container.decodeIfPresent(Int.self, forKey: .maximumRetryAttempts),
            maximumRecordAgeSeconds: try container.decodeIfPresent(
                Int.self,
                forKey: .maximumRecordAgeSeconds
            ),
            bisectsOnError: try value(.bisectsOnError, default: false),
            reportsBatchItemFailures: try value(.reportsBatchItemFailures, default: false),
            tumblingWindowSeconds: try value(.tumblingWindowSeconds, default: 0),
            filterPatterns: try value(.filterPatterns, default: []),
            onFailure: try container.decodeIfPresent(FailureTarget.self, forKey: .onFailure),
            deaggregates: try value(.deaggregates, default: false),
            metrics: try value(.metrics, default: []),
            tags: try value(.tags, default: [:])
        )
    }
}
