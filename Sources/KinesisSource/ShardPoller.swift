import KinesisWire
import StreamCore
import Synchronization

/// Calls GetRecords for one shard again and again, as fast as is allowed, whatever becomes of its iterators.
///
/// Used by one task at a time.
final class ShardPoller: Sendable {
    /// Answers without records after which the listing is asked whether the shard is closed.
    private static let emptyReads = 25

    private struct Place {
        /// `nil` when one has to be asked for.
        var iterator: String?
        /// Where the next iterator that is asked for begins.
        var position: Position
        var pace: ReadPace
        var emptyReads = 0
    }

    private let shard: ShardID
    private let calls: KinesisCalls
    private let listing: ShardListing?
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    private let place: Mutex<Place>

    /// - Parameter listing: For services that may leave a closed shard without end.
    init(
        shard: ShardID,
        from position: Position,
        calls: KinesisCalls,
        pacing: KinesisPacing,
        listing: ShardListing?,
        clock: any Clock<Duration>
    ) {
        self.shard = shard
        self.calls = calls
        self.listing = listing
        self.clock = clock
        stopwatch = Stopwatch(clock: clock)
        place = Mutex(Place(position: position, pace: ReadPace(pacing)))
    }

    /// Asks for the first iterator: the place that `LATEST` names is that of now.
    func open() async throws { _ = try await iterator() }

    /// The records that follow; none is skipped when it fails or is cancelled.
    func fetch() async throws -> ReceivedRecords {
        let delay = place.withLock { $0.pace.delay(now: stopwatch.elapsed) }
        if delay > .zero { try await clock.sleep(for: delay) }
        var failures = 0
        while true {
            do {
                let iterator = try await iterator()
                let start = stopwatch.elapsed
                let isClosed = try await isClosed()
                let received = try await calls.records(at: iterator)
                return note(received, start: start, isClosed: isClosed)
            } catch let error where !(error is CancellationError) {
                failures += 1
                // Some services answer a bad iterator with an internal error.
                let remedy = Remedy(error)
                if remedy != .backOff { place.withLock { $0.iterator = nil } }
                if remedy == .renewIterator, failures == 1 { continue }
                if error is KinesisFailure || error is ShardNotFound || error is StreamNotFound {
                    throw error
                }
                try await calls.pause(after: error, failures: failures, in: "GetRecords", shard: shard)
            }
        }
    }

    private func iterator() async throws -> String {
        let (held, position) = place.withLock { ($0.iterator, $0.position) }
        if let held { return held }
        let (iterator, time) = try await calls.iterator(of: shard, at: position)
        place.withLock { place in
            place.iterator = iterator
            // Another iterator at the tip would skip what has come since.
            if position == .latest { place.position = .atTimestamp(time) }
        }
        return iterator
    }

    private func isClosed() async throws -> Bool {
        guard let listing, place.withLock({ $0.emptyReads >= Self.emptyReads }) else { return false }
        return try await listing.isClosed(shard)
    }

    private func note(_ received: ReceivedRecords, start: Duration, isClosed: Bool) -> ReceivedRecords {
        place.withLock { place in
            let bytes = received.batch.entries.reduce(0) { $0 + $1.dataBytes }
            place.pace.note(start: start, bytes: bytes)
            place.iterator = received.nextShardIterator
            if let last = received.batch.last { place.position = .afterSequenceNumber(last.sequenceNumber) }
            let isIdle = received.batch.isEmpty && received.millisBehindLatest == 0
            place.emptyReads = isIdle ? place.emptyReads + 1 : 0
            return isIdle && isClosed ? received.ended() : received
        }
    }
}
