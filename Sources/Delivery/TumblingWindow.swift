package import StreamCore

/// Cuts time into windows of one length, aligned to 1970-01-01 UTC.
///
/// Windows follow each other along a shard and never go back: a record that arrived before the window in hand is
/// counted into it.
package struct TumblingWindow: Hashable, Sendable {
    package struct Bounds: Hashable, Sendable {
        package let start: Timestamp
        package let end: Timestamp

        package init(start: Timestamp, end: Timestamp) {
            self.start = start
            self.end = end
        }
    }

    package let lengthMilliseconds: Int64

    /// 1 MB: a larger state ends its window early.
    package static let maximumStateBytes = 1024 * 1024

    /// How long after its end a window without newer records waits for those that are on their way into the log.
    package static let graceMilliseconds: Int64 = 1000

    /// The state of a window that nothing is known of.
    package static let emptyState = Array("{}".utf8)

    package init(seconds: Int) {
        precondition(seconds > 0, "a window lasts some time")
        lengthMilliseconds = Int64(seconds) * 1000
    }

    /// The window of a record, when `current` is the one in hand.
    package func bounds(of arrival: Timestamp, current: Bounds?) -> Bounds {
        if let current, arrival < current.end { return current }
        let offset = arrival.milliseconds % lengthMilliseconds
        let start = arrival.milliseconds - (offset < 0 ? offset + lengthMilliseconds : offset)
        return Bounds(
            start: Timestamp(milliseconds: start),
            end: Timestamp(milliseconds: start + lengthMilliseconds)
        )
    }
}

extension WindowProgress {
    package var bounds: TumblingWindow.Bounds { TumblingWindow.Bounds(start: start, end: end) }

    /// The state has grown too large: the window ends now, and goes on with a fresh one.
    package var endsEarly: Bool { state.count > TumblingWindow.maximumStateBytes }

    /// When it closes although no newer record comes.
    package var closing: Timestamp { end.advanced(byMilliseconds: TumblingWindow.graceMilliseconds) }
}
