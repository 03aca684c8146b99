/// A stream that can be read: its shards, and a reader for each.
///
/// Reading is pulled, so back-pressure is the absence of a read.
package protocol LogSource: Sendable {
    /// Every shard that still has records or takes new ones, parents before children.
    ///
    /// - Throws: `StreamNotFound` while no such stream exists. Calling again is safe.
    func shards() async throws -> [Shard]

    /// A position that means the same after a restart: `LATEST` becomes the place that it names now.
    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint

    /// A reader that begins at `position`, or at the oldest record kept when that has expired.
    ///
    /// - Throws: `ShardNotFound` when the shard does not exist or all of it has expired.
    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader
}

/// Reads one shard from front to back.
///
/// Used by one task at a time.
package protocol ShardReader: Sendable {
    /// The records that follow what was read before.
    ///
    /// - Parameters:
    ///   - maxRecords: At most this many, at least 1.
    ///   - maxBytes: Stops before the record whose key and payload would pass it; a first record always comes.
    ///   - wait: How long to wait for a record when there is none; `.zero` answers at once.
    /// - Returns: An empty batch when the wait is over without a record, or at the end of a closed shard.
    /// - Throws: `CancellationError` when the task is cancelled; nothing is skipped then. Other errors name
    ///   the shard or file; reading again is safe and goes on at the same record.
    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult

    /// The same, interrupted by a request of `drain`.
    ///
    /// - Returns: `nil` when draining was requested first; nothing is skipped then.
    func read(maxRecords: Int, maxBytes: Int, wait: Duration, until drain: DrainSignal) async throws
        -> ReadResult?
}

extension ShardReader {
    package func read(maxRecords: Int, maxBytes: Int, wait: Duration, until drain: DrainSignal) async throws
        -> ReadResult?
    {
        try await drain.interruptible {
            try await read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
        }
    }
}

/// A reader that tells when there is something to read, so that nobody needs to wait for it in a read.
package protocol WatchableShardReader: ShardReader {
    /// Calls `action` once, as soon as a read may find something: a record, the end of the shard or an error.
    ///
    /// That may be at once, and in any thread.
    /// - Returns: What drops the action.
    func watch(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void
}

/// What one read gave.
package struct ReadResult: Sendable {
    package let batch: RecordBatch
    /// How far the last record lies behind the newest of the shard; 0 at the tip.
    package let millisBehindLatest: Int64
    /// The shard is closed and this was its last read.
    package let isEnd: Bool

    package init(batch: RecordBatch, millisBehindLatest: Int64, isEnd: Bool) {
        self.batch = batch
        self.millisBehindLatest = millisBehindLatest
        self.isEnd = isEnd
    }
}

package struct StreamNotFound: Error, Hashable, CustomStringConvertible {
    package let stream: StreamName
    package init(stream: StreamName) { self.stream = stream }
    package var description: String { "stream \(stream) does not exist" }
}

package struct ShardNotFound: Error, Hashable, CustomStringConvertible {
    package let stream: StreamName
    package let shard: ShardID
    package init(stream: StreamName, shard: ShardID) {
        self.stream = stream
        self.shard = shard
    }
    package var description: String { "stream \(stream) has no shard \(shard)" }
}
