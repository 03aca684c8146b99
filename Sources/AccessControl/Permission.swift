extension Role {
    /// What a producer needs to find the shards of its stream.
    private static let producerOperations: Set = [
        "PutRecord", "PutRecords", "DescribeStream", "DescribeStreamSummary", "ListShards",
    ]

    private static let readingPrefixes: [CalledAPI: [String]] = [
        .kinesis: ["Describe", "Get", "List", "SubscribeToShard"],
        .logs: ["Describe", "Filter", "Get", "List", "StartLiveTail"],
    ]

    /// Whether the owner of a key may call an operation.
    ///
    /// What no rule names is left to admins.
    package func allows(_ operation: CalledOperation) -> Bool {
        switch (self, operation.api) {
        case (.admin, _): true
        case (.produceOnly, .kinesis): Self.producerOperations.contains(operation.name)
        case (.produceOnly, _): false
        case (.readOnly, .kinesis), (.readOnly, .logs):
            Self.readingPrefixes[operation.api, default: []].contains { operation.name.hasPrefix($0) }
        // Invoking is a POST, and so is every other change.
        case (.readOnly, .lambda), (.readOnly, .management): operation.isGet
        }
    }
}
