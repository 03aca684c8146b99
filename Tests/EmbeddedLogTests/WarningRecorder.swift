import Logging
import TestSupport

extension Logger {
    /// Keeps each warning as `message: key=value …`, with the keys in alphabetical order.
    static func recordingWarnings(in warnings: Recorder<String>) -> Logger {
        Logger(label: "test") { _ in WarningRecorder(warnings: warnings) }
    }
}

private struct WarningRecorder: LogHandler {
    let warnings: Recorder<String>
    var logLevel = Logger.Level.warning
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        warnings.append("\(event.message): \(facts.joined(separator: " "))")
    }
}
