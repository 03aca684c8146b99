import KinesisWire
package import Logging
package import StreamCore

/// A stream whose aggregated records are taken apart, as the Kinesis Client Library does.
///
/// The parts of one aggregate share its sequence number, so that whatever is done about one is done about all of them.
package struct DeaggregatingSource: LogSource {
    private let base: any LogSource
    private let ranges: ShardRanges
    private let logger: Logger

    package init(_ base: any LogSource, logger: Logger) {
        self.base = base
        self.logger = logger
        ranges = ShardRanges(base)
    }

    package func shards() async throws -> [Shard] { try await base.shards() }

    package func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        try await base.pin(start, in: shard)
    }

    package func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        let reader = try await base.reader(of: shard, from: position)
        // Without its range the parts that belong to a sibling could not be told.
        guard let range = try await ranges.range(of: shard) else { throw UnlistedShard(shard: shard) }
        return DeaggregatingReader(base: reader, range: range) { [logger] number in
            logger.error(
                "parts of an aggregated record are lost: they name keys that it does not hold",
                metadata: ["shard": "\(shard)", "sequenceNumber": "\(number)"]
            )
        }
    }
}

/// The hash keys of a stream's shards, which never change.
///
/// Listed for all readers that begin together: a listing for each of thousands would be more than the service answers.
private actor ShardRanges {
    private let source: any LogSource
    private var known: [ShardID: HashKeyRange] = [:]
    private var listing: Task<[Shard], any Error>?

    init(_ source: any LogSource) {
        self.source = source
    }

    /// - Returns: `nil` when the shard is not listed.
    func range(of shard: ShardID) async throws -> HashKeyRange? {
        // Another's listing may be from before this shard was made.
        if known[shard] == nil, listing != nil { try await list() }
        if known[shard] == nil { try await list() }
        return known[shard]
    }

    private func list() async throws {
        // Not a child of the first caller: its cancellation must not fail the others.
        let task = listing ?? Task { try await source.shards() }
        listing = task
        let result = await task.result
        if listing == task { listing = nil }
        known = Dictionary(try result.get().map { ($0.id, $0.hashKeyRange) }) { first, _ in first }
    }
}

/// A shard can be read and is not listed, or not any longer.
package struct UnlistedShard: Error, Hashable, CustomStringConvertible {
    package let shard: ShardID
    package var description: String { "shard \(shard) is not listed by its stream" }
}

/// Reads whole aggregates: a read may give more records and bytes than it was asked for, and never a part of one.
private struct DeaggregatingReader: ShardReader {
    let base: any ShardReader
    let range: HashKeyRange
    let onLoss: @Sendable (SequenceNumber) -> Void

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        deaggregated(try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait))
    }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration, until drain: DrainSignal) async throws
        -> ReadResult?
    {
        try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait, until: drain).map(
            deaggregated
        )
    }

    private func deaggregated(_ result: ReadResult) -> ReadResult {
        ReadResult(
            batch: result.batch.deaggregated(within: range, onLoss: onLoss),
            millisBehindLatest: result.millisBehindLatest,
            isEnd: result.isEnd
        )
    }
}
