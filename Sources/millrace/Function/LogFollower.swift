import Foundation

/// One event of a log, as FilterLogEvents answers it.
struct LogEvent: Hashable {
    let id: String
    let stream: String
    /// Unix milliseconds.
    let timestamp: Int64
    let message: String

    init(id: String, stream: String, timestamp: Int64, message: String) {
        self.id = id
        self.stream = stream
        self.timestamp = timestamp
        self.message = message
    }

    init?(_ fields: [String: Any]) {
        guard let id = fields["eventId"] as? String, let timestamp = fields["timestamp"] as? NSNumber,
            let message = fields["message"] as? String
        else { return nil }
        self.init(
            id: id,
            stream: fields["logStreamName"] as? String ?? "",
            timestamp: timestamp.int64Value,
            message: message
        )
    }

    /// `2026-11-25T19:00:00.123Z message`.
    var line: String {
        let time = Date(timeIntervalSince1970: Double(timestamp) / 1000)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return "\(time.formatted(style)) \(message.trimmingCharacters(in: .newlines))"
    }

    func jsonLine() throws -> String {
        let fields: [String: Any] = [
            "eventId": id, "logStreamName": stream, "timestamp": timestamp, "message": message,
        ]
        let data = try JSONSerialization.data(
            withJSONObject: fields,
            options: [.sortedKeys, .withoutEscapingSlashes]
        )
        return String(decoding: data, as: UTF8.self)
    }
}

/// Tells events that were not seen before from those that were, while a log is polled.
struct LogFollower {
    /// Where the next poll begins, in Unix milliseconds.
    private(set) var startTime: Int64
    private var seen: [String: Int64] = [:]

    /// Processes of a function log at the same time, so an event may become visible after a later one of another.
    private static let overlapMilliseconds: Int64 = 5_000

    init(since startTime: Int64) {
        self.startTime = startTime
    }

    mutating func unseen(of events: [LogEvent]) -> [LogEvent] {
        let fresh = events.filter { seen.updateValue($0.timestamp, forKey: $0.id) == nil }
        let newest = fresh.map(\.timestamp).max() ?? startTime
        startTime = max(startTime, newest - Self.overlapMilliseconds)
        // What the next poll cannot answer again need not be remembered.
        seen = seen.filter { $0.value >= startTime }
        return fresh
    }
}
