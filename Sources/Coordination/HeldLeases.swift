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
    private struct Entry {
        let gained: GainedLease
        var renewedAt: Duration
        /// Processing is over and the lease is about to be released: it is neither renewed nor lost any more.
        var isFinished = false
        /// When a hand-off that was asked for has taken too long.
        var handOffUntil: Duration?
        var isCancelled = false
        var meter = ThroughputMeter()
    }

    /// Woken when a lease is no longer held.
    let changed = WakeSignal()
    let stopwatch: Stopwatch
    private let trust: Duration
    private let entries = Mutex<[LeaseKey: Entry]>([:])

    init(trustedFor trust: Duration, clock: some Clock<Duration>) {
        self.trust = trust
        stopwatch = Stopwatch(clock: clock)
    }

    /// The time since this value was made, on the worker's monotonic clock.
    var now: Duration { stopwatch.elapsed }

    /// The leases to renew.
    var leases: [Lease] {
        entries.withLock { $0.values.filter { !$0.isFinished }.map(\.gained.lease) }
    }

    var isEmpty: Bool { entries.withLock(\.isEmpty) }

    /// The shards of these leases.
    var keys: Set<LeaseKey> { entries.withLock { Set($0.keys) } }

    func add(_ gained: GainedLease, trustedSince time: Duration) {
        entries.withLock { $0[gained.lease.key] = Entry(gained: gained, renewedAt: time) }
    }

    func noteFinished(_ lease: Lease) {
        entries.withLock { entries in
            guard entries[lease.key]?.gained.lease == lease else { return }
            entries[lease.key]?.isFinished = true
        }
    }

    func remove(_ lease: Lease) {
        entries.withLock { entries in
            // The same shard may have been gained anew meanwhile.
            guard entries[lease.key]?.gained.lease == lease else { return }
            entries[lease.key] = nil
        }
        changed.wake()
    }

    func noteRenewal(of leases: [Lease], at time: Duration) {
        entries.withLock { entries in
            for lease in leases {
                guard let place = entries.index(forKey: lease.key) else { continue }
                if entries.values[place].gained.lease == lease { entries.values[place].renewedAt = time }
            }
        }
    }

    /// What was delivered of each shard since the last call, where that has changed.
    func throughput(by statuses: ShardStatuses) -> [LeaseKey: Double] {
        let now = now
        return entries.withLock { entries in
            var changed: [LeaseKey: Double] = [:]
            // By their places: a loop over the keys would have the first change copy all entries.
            var place = entries.startIndex
            while place != entries.endIndex {
                let key = entries.keys[place]
                if let flow = statuses.flow(of: key),
                    let rate = entries.values[place].meter.note(flow, at: now)
                {
                    changed[key] = rate
                }
                entries.formIndex(after: &place)
            }
            return changed
        }
    }

    /// The leases that others may take to be expired soon.
    func untrusted() -> [Lease] {
        let now = now
        return entries.withLock { entries in
            entries.values.filter { now - $0.renewedAt >= trust }.map(\.gained.lease)
        }
    }

    /// Cancels the processing of a shard.
    ///
    /// - Returns: `false` when it was not held under this lease: the shard may have been gained anew
    ///   meanwhile, and what an earlier lease comes to does not concern the new one.
    func lose(_ lease: Lease) -> Bool {
        let gained = entries.withLock { entries -> GainedLease? in
            guard let entry = entries[lease.key], entry.gained.lease == lease, !entry.isFinished else {
                return nil
            }
            entries[lease.key] = nil
            return entry.gained
        }
        guard let gained else { return false }
        gained.lose()
        changed.wake()
        return true
    }

    func drainAll() {
        for gained in entries.withLock({ $0.values.map(\.gained) }) { gained.drain.request() }
    }

    /// Lets one shard finish its batch in hand, so that its lease can be handed over.
    ///
    /// - Returns: `false` when that was asked for before, or the shard is not held.
    func handOver(_ key: LeaseKey, within limit: Duration) -> Bool {
        let until = now + limit
        let gained = entries.withLock { entries -> GainedLease? in
            guard let entry = entries[key], entry.handOffUntil == nil else { return nil }
            entries[key]?.handOffUntil = until
            return entry.gained
        }
        gained?.drain.request()
        return gained != nil
    }

    /// Cancels the processing of shards that should have been handed over by now.
    func cancelOverdue() -> [Lease] {
        let now = now
        let overdue = entries.withLock { entries in
            let overdue = entries.values.filter { entry in
                !entry.isFinished && !entry.isCancelled && entry.handOffUntil.map { $0 <= now } == true
            }
            for entry in overdue { entries[entry.gained.lease.key]?.isCancelled = true }
            return overdue.map(\.gained)
        }
        for gained in overdue { gained.cancel() }
        return overdue.map(\.lease)
    }
}
