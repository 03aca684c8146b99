import MillraceFunction

/// Raises an alert for every departure that is two hours late or more, and counts departures by route.
struct DelayAlerts: StreamFunction {
    private let results: ResultFile

    /// Runs once in each process, before its first batch.
    init() throws {
        results = try ResultFile(name: "delay-alerts.jsonl")
    }

    mutating func handle(_ batch: RecordBatch, context: InvocationContext) async throws -> BatchResponse {
        var summary = BatchSummary()
        for record in batch {
            guard let departure = record.payload.withUnsafeBytes(Departure.init(json:)) else {
                throw NotADeparture(sequenceNumber: record.sequenceNumber)
            }
            if let alert = summary.add(departure) {
                context.log("departure \(alert.carrier)\(alert.flight) is \(alert.delayMinutes) minutes late")
            }
        }
        try results.append(summary.line(for: batch))
        return .success
    }
}

/// Fails the whole batch: the host delivers it again, and `millrace function show` says why.
struct NotADeparture: Error, CustomStringConvertible {
    let sequenceNumber: String

    var description: String { "record \(sequenceNumber) is not a departure" }
}

/// What the host looks up in the library.
///
/// No Swift type crosses here, only a file descriptor.
@_cdecl("millrace_function")
public func millraceFunction(_ channel: Int32) -> Int32 { DelayAlerts.run(channel) }
