package import StreamCore

/// When a batch is full, in Lambda's terms.
package struct BatchLimits: Hashable, Sendable {
    /// Most records: 1–10,000.
    package let records: Int
    /// How long a partial batch waits for more; zero sends it at once.
    package let window: Duration
    /// Most bytes of the batch as an event.
    package let eventBytes: Int

    package init(records: Int, window: Duration, eventBytes: Int = BatchLimits.lambdaEventBytes) {
        precondition(records > 0, "a batch holds at least one record")
        self.records = records
        self.window = window
        self.eventBytes = eventBytes
    }

    package init(_ source: EventSource) {
        // The state travels in the same event.
        let stateBytes = source.tumblingWindowSeconds > 0 ? TumblingWindow.maximumStateBytes : 0
        self.init(
            records: source.batchSize,
            window: source.batchWindow,
            eventBytes: Self.lambdaEventBytes - stateBytes
        )
    }

    /// 6 MB: what Lambda accepts as the payload of one invocation.
    package static let lambdaEventBytes = 6 * 1024 * 1024

    /// What one record adds to an event: base64 of its payload, its key, and the fields around them.
    ///
    /// Those fields take 490 bytes with a short stream name and 650 with the longest names and 56-digit
    /// sequence numbers; an estimate will do, as transports accept a little more than the limit.
    package static func eventBytes(of record: RecordEntry) -> Int {
        (Int(record.payloadBytes) + 2) / 3 * 4 + Int(record.keyBytes) + 500
    }
}
