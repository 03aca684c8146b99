import Delivery
import StreamCore
import Synchronization

/// A lease in the hands of this worker, and the means to stop its processing.
final class GainedLease: Sendable {
    let lease: Lease
    let checkpoint: Checkpoint
    let drain = DrainSignal()
    fileprivate let cut = DrainSignal()
    private let isLost = Mutex(false)

    init(lease: Lease, checkpoint: Checkpoint) {
        self.lease = lease
        self.checkpoint = checkpoint
    }

    func lose() {
        isLost.withLock { $0 = true }
        cut.request()
    }

    /// Cancels the processing of a lease that is still held.
    func cancel() { cut.request() }

    /// Runs `body` until it returns or the lease is lost, which cancels it.
    ///
    /// - Throws: `LeaseLost` when the lease was lost first, `HandOffOverdue` when it was cancelled first.
    func whileHeld<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws
        -> Value
    {
        if let value = try await cut.interruptible(body) { return value }
        if isLost.withLock(\.self) { throw LeaseLost(key: lease.key) }
        throw HandOffOverdue(key: lease.key)
    }
}

extension GainedLease {
    /// Calls `action` once the shard is to be drained, or its processing was cancelled.
    ///
    /// - Returns: What drops the action.
    func onStop(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
        let registrations = (drain: drain.onRequest(action), cut: cut.onRequest(action))
        return { [drain, cut] in
            drain.forget(registrations.drain)
            cut.forget(registrations.cut)
        }
    }
}

/// The batch in hand was not done when the lease had to be handed over: it is repeated by its next holder.
struct HandOffOverdue: Error {
    let key: LeaseKey
}

/// The leases that this worker holds, and since when each can be trusted.
final class HeldLeases: Sendable {
    /// A class, so that a renewal of thousands need not look for each by its key.
    private final class Entry {
        let gained: GainedLease
        var renewedAt: Duration
        /// Processing is over and the lease is about to be released: it is neither renewed nor lost any more.
        var isFinished = false
        /// When a hand-off that was asked for has taken too long.
        var handOffUntil: Duration?
        var isCancelled = false
        var status: ShardStatus?
        var meter = ThroughputMeter()

        init(_ gained: GainedLease, renewedAt: Duration) {
            self.gained = gained
            self.renewedAt = renewedAt
        }
    }

    private struct State {
        var entries: [LeaseKey: Entry] = [:] {
            didSet { renewable = nil }
        }
        /// Those to renew, kept as long as they stay the same.
        private(set) var renewable: (entries: [Entry], leases: [Lease])?
        /// No lease was renewed before this: as long as that is not long ago, none needs a look.
        var renewedSince = Duration.zero
        /// None needs a look while nothing is handed over.
        var isHandingOver = false

        func entry(of lease: Lease) -> Entry? {
            // The same shard may have been gained anew meanwhile.
            entries[lease.key].flatMap { $0.gained.lease == lease ? $0 : nil }
        }

        mutating func finish(_ entry: Entry) {
            entry.isFinished = true
            renewable = nil
        }

        mutating func takeRenewable() -> (entries: [Entry], leases: [Lease]) {
            if let renewable { return renewable }
            let entries = entries.values.filter { !$0.isFinished }
            let renewable = (entries, entries.map(\.gained.lease))
            self.renewable = renewable
            return renewable
        }
    }

    /// Woken when a lease is no longer held.
    let changed = WakeSignal()
    let stopwatch: Stopwatch
    private let trust: Duration
    private let state = Mutex(State())

    init(trustedFor trust: Duration, clock: some Clock<Duration>) {
        self.trust = trust
        stopwatch = Stopwatch(clock: clock)
    }

    /// The time since this value was made, on the worker's monotonic clock.
    var now: Duration { stopwatch.elapsed }

    /// The leases to renew.
    var leases: [Lease] { state.withLock { $0.takeRenewable().leases } }

    var isEmpty: Bool { state.withLock(\.entries.isEmpty) }

    /// The shards of these leases.
    var keys: Set<LeaseKey> { state.withLock { Set($0.entries.keys) } }

    func add(_ gained: GainedLease, trustedSince time: Duration) {
        state.withLock { state in
            state.entries[gained.lease.key] = Entry(gained, renewedAt: time)
            state.renewedSince = min(state.renewedSince, time)
        }
    }

    func noteFinished(_ lease: Lease) {
        state.withLock { state in
            if let entry = state.entry(of: lease) { state.finish(entry) }
        }
    }

    func remove(_ lease: Lease) {
        state.withLock { state in
            if state.entry(of: lease) != nil { state.entries[lease.key] = nil }
        }
        changed.wake()
    }

    /// - Parameter leases: Some that `leases` gave.
    func noteRenewal(of leases: [Lease], at time: Duration) {
        state.withLock { state in
            let renewable = state.takeRenewable()
            if renewable.leases.count == leases.count, renewable.leases == leases {
                for entry in renewable.entries { entry.renewedAt = time }
            } else {
                for lease in leases { state.entry(of: lease)?.renewedAt = time }
            }
        }
    }

    /// What was delivered of each shard since the last call, where that has changed.
    func throughput(by statuses: ShardStatuses) -> [LeaseKey: Double] {
        let now = now
        return state.withLock { state in
            var changed: [LeaseKey: Double] = [:]
            for entry in state.takeRenewable().entries {
                if entry.status == nil { entry.status = statuses.status(of: entry.gained.lease.key) }
                guard let flow = entry.status?.flow else { continue }
                if let rate = entry.meter.note(flow, at: now) { changed[entry.gained.lease.key] = rate }
            }
            return changed
        }
    }

    /// The leases that others may take to be expired soon.
    func untrusted() -> [Lease] {
        let now = now
        return state.withLock { state in
            guard now - state.renewedSince >= trust else { return [] }
            state.renewedSince = now
            var untrusted: [Lease] = []
            for entry in state.entries.values {
                state.renewedSince = min(state.renewedSince, entry.renewedAt)
                if now - entry.renewedAt >= trust { untrusted.append(entry.gained.lease) }
            }
            return untrusted
        }
    }

    /// Cancels the processing of a shard.
    ///
    /// - Returns: `false` when it was not held under this lease: the shard may have been gained anew
    ///   meanwhile, and what an earlier lease comes to does not concern the new one.
    func lose(_ lease: Lease) -> Bool {
        let gained = state.withLock { state -> GainedLease? in
            guard let entry = state.entry(of: lease), !entry.isFinished else { return nil }
            state.entries[lease.key] = nil
            return entry.gained
        }
        guard let gained else { return false }
        gained.lose()
        changed.wake()
        return true
    }

    func drainAll() {
        for gained in state.withLock({ $0.entries.values.map(\.gained) }) { gained.drain.request() }
    }

    /// Lets one shard finish its batch in hand, so that its lease can be handed over.
    ///
    /// - Returns: `false` when that was asked for before, or the shard is not held.
    func handOver(_ key: LeaseKey, within limit: Duration) -> Bool {
        let until = now + limit
        let gained = state.withLock { state -> GainedLease? in
            guard let entry = state.entries[key], entry.handOffUntil == nil else { return nil }
            entry.handOffUntil = until
            state.isHandingOver = true
            return entry.gained
        }
        gained?.drain.request()
        return gained != nil
    }

    /// Cancels the processing of shards that should have been handed over by now.
    func cancelOverdue() -> [Lease] {
        let now = now
        let overdue = state.withLock { state -> [GainedLease] in
            guard state.isHandingOver else { return [] }
            let handedOver = state.entries.values.filter { $0.handOffUntil != nil }
            state.isHandingOver = !handedOver.isEmpty
            let overdue = handedOver.filter { entry in
                !entry.isFinished && !entry.isCancelled && entry.handOffUntil.map { $0 <= now } == true
            }
            for entry in overdue { entry.isCancelled = true }
            return overdue.map(\.gained)
        }
        for gained in overdue { gained.cancel() }
        return overdue.map(\.lease)
    }
}
