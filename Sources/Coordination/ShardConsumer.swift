import Delivery
import Logging
import StreamCore

/// Processes one claimed shard until the shard ends, the claim is drained or its task is cancelled.
///
/// A class, as each function that waits in an idle shard would keep a copy of its own.
final class ShardConsumer: Sendable {
    let claim: ShardClaim
    let feed: ShardFeed
    let limits: BatchLimits
    /// The parallelization factor.
    let laneCount: Int
    let tumbling: TumblingWindow?
    let status: ShardStatus
    let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp
    let logger: Logger
    /// Makes what delivers the batches of one lane.
    let makeDelivery: @Sendable (ShardLedger, _ lane: Int) -> Delivery

    init(
        claim: ShardClaim,
        feed: ShardFeed,
        limits: BatchLimits,
        laneCount: Int,
        tumbling: TumblingWindow?,
        status: ShardStatus,
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger,
        makeDelivery: @escaping @Sendable (ShardLedger, _ lane: Int) -> Delivery
    ) {
        self.claim = claim
        self.feed = feed
        self.limits = limits
        self.laneCount = laneCount
        self.tumbling = tumbling
        self.status = status
        self.clock = clock
        self.now = now
        self.logger = logger
        self.makeDelivery = makeDelivery
    }

    /// A read that waits comes back now and then, so that time-based work never waits for a record.
    static let longestWait = Duration.seconds(60)
    /// A shard without records for this long rests without a task, where its reader can wake it.
    static let restlessTime = Duration.seconds(5)

    /// How one stretch of a shard came to its end.
    enum End: Sendable {
        case drained
        case shardEnd
        /// Everything is done, and there is nothing to wait for but records.
        case idle(any WatchableShardReader)
        /// Everything up to the stretch's last record is done; this was read beyond it.
        case reached(ShardReading)
    }

    func run() async throws -> ShardOutcome {
        precondition(tumbling == nil || laneCount == 1, "the state of a window belongs to one lane")
        guard let position = claim.start.resumePosition else { return .over }
        let reader: (any ShardReader)?
        do { reader = try await feed.open(at: position) } catch let error as ShardNotFound {
            // Without this its children would wait for ever.
            logger.error("shard is gone before its end was processed", metadata: ["error": "\(error)"])
            let ledger = makeLedger(laneCount, claim.start, claim.progress)
            // The records are gone, what the function has made of earlier ones is not.
            if let window = ledger.window {
                guard try await makeDelivery(ledger, 0).close(window) == .done else { return .over }
            }
            try await end(ledger)
            return .over
        }
        guard let reader else { return .over }

        let ledger = makeLedger(storedLaneCount, claim.start, claim.progress)
        // What earlier lanes had begun is finished by as many lanes: another number deals records out differently.
        guard storedLaneCount != laneCount else { return try await goOn(reader, ledger) }
        let boundary = Self.boundary(of: claim.progress)
        let end = try await run(reader, ledger, laneCount: storedLaneCount, until: boundary, from: nil)
        guard case .reached(let rest) = end else { return try await outcome(of: end, ledger) }
        return try await goOn(reader, makeLedger(laneCount, ledger.checkpoint, ledger.stored), from: rest)
    }

    /// With as many lanes as the mapping has now.
    private func goOn(_ reader: any ShardReader, _ ledger: ShardLedger, from rest: ShardReading? = nil)
        async throws -> ShardOutcome
    {
        let end = try await run(reader, ledger, laneCount: laneCount, until: nil, from: rest)
        return try await outcome(of: end, ledger)
    }

    private func outcome(of end: End, _ ledger: ShardLedger) async throws -> ShardOutcome {
        switch end {
        case .drained, .reached: return .over
        case .shardEnd:
            try await self.end(ledger)
            return .over
        case .idle(let reader):
            return .resting(RestingShard(reader: reader) { [self] in try await goOn(reader, ledger) })
        }
    }

    private func run(
        _ reader: any ShardReader,
        _ ledger: ShardLedger,
        laneCount: Int,
        until boundary: SequenceNumber?,
        from rest: ShardReading?
    ) async throws -> End {
        if laneCount == 1 {
            var stretch = SerialStretch(
                consumer: self,
                reader: reader,
                ledger: ledger,
                boundary: boundary
            )
            return try await stretch.run(from: rest)
        }
        status.note(.lanes(Array(repeating: .waitingForRecords, count: laneCount)))
        return try await LanedStretch(
            consumer: self,
            reader: reader,
            ledger: ledger,
            laneCount: laneCount,
            boundary: boundary
        ).run(from: rest)
    }

    /// How many lanes what is stored beyond the checkpoint belongs to.
    private var storedLaneCount: Int {
        guard Self.boundary(of: claim.progress) != nil else { return laneCount }
        return claim.progress.lanes?.count ?? 1
    }

    private static func boundary(of progress: ShardProgress) -> SequenceNumber? {
        (progress.retries.map(\.last) + (progress.lanes?.done.compactMap(\.self) ?? [])).max()
    }

    private func makeLedger(_ laneCount: Int, _ checkpoint: Checkpoint, _ progress: ShardProgress)
        -> ShardLedger
    {
        ShardLedger(
            claim,
            checkpoint: checkpoint,
            progress: progress,
            laneCount: laneCount,
            keepsWindow: tumbling != nil && laneCount == 1
        )
    }

    private func end(_ ledger: ShardLedger) async throws {
        try await ledger.end()
        status.update { report in
            report.checkpoint = .shardEnd
            report.activity = .ended
        }
    }
}
