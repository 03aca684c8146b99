import StreamCore
import Synchronization

/// The segments of one shard: takes records, stores them in order, and lends them to readers.
///
/// Appenders encode into `pending` under the lock. One committer at a time has the shard's turn: it writes what is pending
/// without the lock and then publishes it. So appends that wait while a sync runs share the next one.
final class ShardLog: Sendable {
    let stream: StreamName
    let number: Int
    let id: ShardID
    let numbers: ShardNumbers
    let directory: String
    let environment: LogEnvironment
    let state: Mutex<State>
    /// Held from a sync of a relaxed log until its outcome is in `state`: the kernel reports lost pages to one sync only, so
    /// that the success of another proves nothing until the first is judged.
    let syncTurn = Mutex(())

    struct State: Sendable {
        /// Oldest first; the last one is the active segment when there is one.
        var segments: [Segment] = []
        var active: ActiveSegment?

        var nextCounter: UInt64 = 1
        var newestArrival: Int64 = 0
        /// The newest record that readers may see; 0 before the first.
        var visibleCounter: UInt64 = 0
        var visibleArrival: Int64 = 0

        var pending: [PendingAppend] = []
        var isCommitScheduled = false
        var isSyncScheduled = false
        /// The active segment shall be completed, so that it can expire.
        var isRollRequested = false
        /// No record follows: the active segment shall be brought to the disk with its summary.
        var isSealRequested = false
        var sealFailure: (any Error)?
        var turnWaiters: [CheckedContinuation<Void, Never>] = []
        var watchers = Watchers()

        var admission = Admission.open
        /// Why nothing can be read or stored any more: a failed recovery, a closed log, a deleted stream.
        var fault: (any Error)?
        /// A relaxed log's sync failed: what is unsynced must be written anew before anything else.
        var syncFailure: LogFileFailure?
        /// Numbers were skipped at opening, and no record shows it yet.
        var isJumpUnproven = false
    }

    /// A shard that is not open takes no records; its stream knows where they go then.
    enum Admission {
        case open
        case closing
        case ended
    }

    /// The segment that records are appended to.
    struct ActiveSegment: Sendable {
        let segment: Segment
        let createdMilliseconds: Int64
        let salt: UInt32
        /// What readers may see.
        var summary: SegmentSummary
        var syncedEnd: Int
        /// The file beside the segment says what `summary` says.
        var isSummaryStored = false
        /// A failed write may have left bytes behind the end.
        var hasStrayBytes = false
    }

    struct PendingAppend: Sendable {
        let records: EncodedRecords
        let ticket: AppendTicket
    }

    init(
        stream: StreamName,
        numbers: ShardNumbers,
        directory: String,
        environment: LogEnvironment,
        state: consuming State
    ) {
        self.stream = stream
        self.numbers = numbers
        number = numbers.shard
        id = ShardID(number: numbers.shard)
        self.directory = directory
        self.environment = environment
        self.state = Mutex(state)
    }

    enum Acceptance {
        /// Numbered from here on; the ticket is finished when they are stored or have failed.
        case accepted(firstCounter: UInt64)
        case closed
        case refused(any Error)
    }

    /// Gives the records their numbers and hands them to the committers.
    ///
    /// - Parameter indices: Which of the records; at least one.
    func enqueue(_ records: NewRecords, _ indices: ArraySlice<UInt32>, now: Int64, ticket: AppendTicket)
        -> Acceptance
    {
        let byteCount = EncodedRecords.byteCount(of: records, indices)
        let (acceptance, mustSchedule) = state.withLock { state -> (Acceptance, Bool) in
            if let fault = state.fault { return (.refused(fault), false) }
            guard state.admission == .open else { return (.closed, false) }
            ticket.expect()
            let first = state.nextCounter
            // Arrival times never go back, whatever the wall clock does.
            state.newestArrival = max(state.newestArrival, now)
            let encoded = EncodedRecords(
                records,
                indices,
                byteCount: byteCount,
                firstCounter: first,
                arrival: state.newestArrival,
                durableEnd: state.active?.syncedEnd ?? 0,
                salt: state.active?.salt ?? 0
            )
            state.nextCounter += UInt64(indices.count)
            state.pending.append(PendingAppend(records: encoded, ticket: ticket))
            return (.accepted(firstCounter: first), state.claimTurn())
        }
        if mustSchedule { environment.committers.scheduleCommit(of: self) }
        return acceptance
    }

    /// The shard's last number while open: the newest record that readers may see, or the place before the first.
    var newestNumber: SequenceNumber { numbers.number(state.withLock(\.visibleCounter)) }

    var pendingAppends: Int { state.withLock(\.pending.count) }

    /// Waits until nothing is pending and no committer works on the shard.
    func settle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isCommitScheduled { state.turnWaiters.append(continuation) }
                return !state.isCommitScheduled
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Completes the active segment, so that it can expire.
    func roll() async {
        let mustSchedule = state.withLock { state in
            state.isRollRequested = true
            return state.claimTurn()
        }
        if mustSchedule { environment.committers.scheduleCommit(of: self) }
        await settle()
    }
}

extension ShardLog.State {
    /// - Returns: Whether the caller must schedule a commit, as none is under way.
    mutating func claimTurn() -> Bool {
        guard !isCommitScheduled else { return false }
        isCommitScheduled = true
        return true
    }
}

// MARK: - Ending

extension ShardLog {
    /// Takes no more records from now on; what is pending is stored, and all of the shard synced.
    ///
    /// - Throws: Why the shard cannot be closed, as it cannot be read.
    func beginClosing() throws {
        let mustSchedule = try state.withLock { state in
            if let fault = state.fault { throw fault }
            state.admission = .closing
            state.isSealRequested = true
            state.sealFailure = nil
            return state.claimTurn()
        }
        if mustSchedule { environment.committers.scheduleCommit(of: self) }
    }

    /// Waits for what `beginClosing` began.
    ///
    /// Readers learn of the end with `announceEnd`, when the stream's description says so too.
    ///
    /// - Returns: The last number, which is for good.
    func closed() async throws -> SequenceNumber {
        await settle()
        if let failure = state.withLock({ $0.fault ?? $0.sealFailure }) { throw failure }
        return newestNumber
    }

    /// Takes records again after `beginClosing`, as the closing could not be recorded.
    func reopen() {
        state.withLock { state in
            state.admission = .open
            state.isSealRequested = false
        }
    }

    func announceEnd() {
        let woken = state.withLock { state in
            state.admission = .ended
            // It issues no numbers any more.
            state.isJumpUnproven = false
            return state.watchers.takeAll()
        }
        for action in woken { action() }
    }

    /// From now on nothing is read or stored; whoever waits learns why.
    func refuse(_ error: any Error) {
        let woken = state.withLock { state in
            state.fault = error
            return state.watchers.takeAll()
        }
        for action in woken { action() }
    }

    /// The last step of a clean close, after the committers have stopped: syncs what a relaxed log has not, and keeps the
    /// summary so that the next opening need not scan.
    ///
    /// - Returns: Whether the numbers of all records ever seen are safe on disk.
    func finish() throws -> Bool {
        let (active, isJumpUnproven) = state.withLock { ($0.active, $0.isJumpUnproven) }
        guard let active, !active.isSummaryStored else { return !isJumpUnproven }
        let file = try environment.cache.file(for: active.segment)
        if active.syncedEnd < active.summary.end {
            if state.withLock({ $0.syncFailure != nil }) { try rewrite(active, in: file) }
            try environment.options.files.sync(file.descriptor, file.path)
        }
        if active.hasStrayBytes { try file.truncate(to: active.summary.end) }
        try file.store(active.summary)
        return !isJumpUnproven
    }
}
