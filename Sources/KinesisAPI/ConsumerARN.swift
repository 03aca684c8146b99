import EmbeddedLog
import KinesisWire
import StreamCore

/// The name of a consumer: its stream's, its own, and the second in which it was registered.
struct ConsumerARN: Hashable {
    private static let separator = "/consumer/"

    let stream: String
    let name: String
    let createdSeconds: Int64

    var text: String { "\(stream)\(Self.separator)\(name):\(createdSeconds)" }

    init(stream: String, _ consumer: StreamConsumer) {
        self.stream = stream
        name = consumer.name
        createdSeconds = consumer.created.milliseconds / 1_000
    }

    /// - Returns: `nil` when the text is no such name.
    init?(_ text: String) {
        guard text.hasPrefix("arn:"), let separator = text.firstRange(of: Self.separator) else { return nil }
        let rest = text[separator.upperBound...].split(separator: ":", omittingEmptySubsequences: false)
        guard rest.count == 2, !rest[0].isEmpty, let seconds = Int64(rest[1]) else { return nil }
        stream = String(text[..<separator.lowerBound])
        name = String(rest[0])
        createdSeconds = seconds
    }
}
