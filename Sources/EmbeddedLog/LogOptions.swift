import Foundation
package import StreamCore

/// When an append is answered.
package enum Durability: String, Sendable, CaseIterable {
    /// After the records are synced: an answered append survives a power cut.
    case durable
    /// After the records are written: an answered append survives the death of the process. Synced every 5 ms.
    case relaxed
}

/// How an embedded log behaves.
///
/// The defaults are those of a host.
package struct LogOptions: Sendable {
    package var durability = Durability.durable

    /// A new segment begins before one would pass this size: 4 KiB – 1 GiB.
    package var segmentBytes = 64 << 20

    /// A new segment begins when the first record of the last is older, so that a quiet shard's records can expire.
    package var segmentAge = Duration.seconds(3600)

    /// Threads that write and sync, shared by all shards.
    package var committerCount = 4

    /// Most segment files that are kept open between uses.
    package var openFileLimit = 256

    /// How often `EmbeddedLog.run` looks for expired segments.
    package var retentionInterval = Duration.seconds(60)

    /// Measures how long readers wait and when to look for expired segments.
    package var clock: any Clock<Duration> = ContinuousClock()

    /// Arrival times are taken from here.
    package var wallClock: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    package var files = FileOperations.system

    package init() {}

    /// How long records of a relaxed log stay unsynced.
    static let relaxedSyncNanoseconds = 5_000_000

    /// Most bytes that one write to a segment gathers, unless a single append has more.
    static let groupBytes = 8 << 20
}
