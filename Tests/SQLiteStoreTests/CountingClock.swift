import StreamCore
import Synchronization

/// A wall clock that is one millisecond later each time it is read.
final class CountingClock: Sendable {
    private let milliseconds = Mutex<Int64>(0)

    func next() -> Timestamp {
        milliseconds.withLock { milliseconds in
            milliseconds += 1
            return Timestamp(milliseconds: milliseconds)
        }
    }
}
