package import Logging
import StreamCore
import Synchronization

/// How loudly something is said that is met again at each try, and by all shards of a mapping alike.
package final class LogPace: Sendable {
    /// At most one loud line in this time; the others are for whoever debugs.
    package static let interval = Duration.seconds(60)

    private let stopwatch: Stopwatch
    private let last = Mutex<Duration?>(nil)

    package init(clock: any Clock<Duration>) {
        stopwatch = Stopwatch(clock: clock)
    }

    /// The level of the next line.
    package func level(_ loud: Logger.Level) -> Logger.Level {
        let now = stopwatch.elapsed
        return last.withLock { last in
            if let last, now - last < Self.interval { return .debug }
            last = now
            return loud
        }
    }
}
