import Logging
import StreamCore

/// What all shards of a log share.
struct LogEnvironment: Sendable {
    let options: LogOptions
    let cache: SegmentFileCache
    let committers: CommitQueue
    let logger: Logger
    /// Ends the waits of readers.
    let alarms: Alarms

    init(options: LogOptions, cache: SegmentFileCache, committers: CommitQueue, logger: Logger) {
        self.options = options
        self.cache = cache
        self.committers = committers
        self.logger = logger
        alarms = Alarms(clock: options.clock)
    }

    var isDurable: Bool { options.durability == .durable }
    var now: Int64 { options.wallClock().milliseconds }
}
