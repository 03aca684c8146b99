package import StreamCore

/// One line that a function or the host wrote.
package struct LogEvent: Hashable, Sendable {
    /// The process that it comes from.
    package let stream: String
    package let timestamp: Timestamp
    /// When it was written down.
    package let ingestion: Timestamp
    /// Without the end of the line.
    package let message: String
    package let position: LogPosition
    /// Where the next one begins.
    package let end: LogPosition
}

/// A place in a function's log; later events have greater ones.
package struct LogPosition: Hashable, Comparable, Sendable {
    /// The file, by the time of its first event.
    package let segment: Int64
    package let offset: Int

    package init(segment: Int64, offset: Int) {
        self.segment = segment
        self.offset = offset
    }

    package static let start = LogPosition(segment: 0, offset: 0)

    package static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.segment, left.offset) < (right.segment, right.offset)
    }

    /// 56 digits, as CloudWatch numbers events.
    package var digits: String { Self.padded(String(segment), 28) + Self.padded(String(offset), 28) }

    package init?(digits: some StringProtocol) {
        guard digits.utf8.count == 56, digits.utf8.allSatisfy({ 48...57 ~= $0 }),
            let segment = Int64(digits.prefix(28)), let offset = Int(digits.suffix(28))
        else { return nil }
        self.init(segment: segment, offset: offset)
    }

    private static func padded(_ digits: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }
}

/// What is asked of a function's log.
package struct LogQuery: Sendable {
    package enum Streams: Hashable, Sendable {
        case all
        case named(Set<String>)
        case prefixed(String)

        func contains(_ name: String) -> Bool {
            switch self {
            case .all: true
            case .named(let names): names.contains(name)
            case .prefixed(let prefix): name.hasPrefix(prefix)
            }
        }
    }

    package var streams = Streams.all
    /// The first moment that counts.
    package var start = Timestamp(milliseconds: 0)
    /// The first moment that does not.
    package var end = Timestamp(milliseconds: .max)
    package var filter = LogFilter.everything
    /// Most events of one page.
    package var limit = 10_000

    package init() {}
}

/// Events in the order in which they were written.
package struct LogPage: Hashable, Sendable {
    /// Most text of one page, as CloudWatch has it; one event always fits.
    package static let maximumBytes = 1 << 20

    package let events: [LogEvent]
    /// Whether nothing more is there in the direction of reading.
    package let isLast: Bool
}

/// One process's part of a log.
package struct LogStreamSummary: Hashable, Sendable {
    package let name: String
    package let created: Timestamp
    package let firstEvent: Timestamp
    package let lastEvent: Timestamp
    package let lastIngestion: Timestamp
}
