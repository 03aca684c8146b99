import Logging
import StreamCore

/// What all shards of a log share.
struct LogEnvironment: Sendable {
    let options: LogOptions
    let cache: SegmentFileCache
    let committers: CommitQueue
    let logger: Logger

    var isDurable: Bool { options.durability == .durable }
    var now: Int64 { options.wallClock().milliseconds }
}
