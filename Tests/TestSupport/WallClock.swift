package import StreamCore
import Synchronization

/// A wall clock that a test sets.
package final class WallClock: Sendable {
    private let time: Mutex<Timestamp>

    package init(_ time: Timestamp = Timestamp(milliseconds: 1000)) {
        self.time = Mutex(time)
    }

    package var now: Timestamp { time.withLock(\.self) }
    package func set(_ new: Timestamp) { time.withLock { $0 = new } }
}
