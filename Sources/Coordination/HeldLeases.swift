import StreamCore
import Synchronization

/// A lease in the hands of this worker, and the means to stop its processing.
final class GainedLease: Sendable {
    let lease: Lease
    let checkpoint: Checkpoint
    let drain = DrainSignal()
    private let loss = DrainSignal()

    init(lease: Lease, checkpoint: Checkpoint) {
        self.lease = lease
        self.checkpoint = checkpoint
    }

    func lose() { loss.request() }

    /// Runs `body` until it returns or the lease is lost, which cancels it.
    ///
    /// - Throws: `LeaseLost` when the lease was lost first.
    func whileHeld(_ body: @escaping @Sendable () async throws -> Void) async throws {
        guard try await loss.interruptible(body) != nil else { throw LeaseLost(key: lease.key) }
    }
}

/// The leases that this worker holds, and since when each can be trusted.
final class HeldLeases: Sendable {
    private struct Entry {
        let gained: GainedLease
        var renewedAt: Duration
        /// Processing is over and the lease is about to be released: it is neither renewed nor lost any more.
        var isFinished = false
    }

    /// Woken when a lease is no longer held.
    let changed = WakeSignal()
    private let trust: Duration
    private let stopwatch: Stopwatch
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

    func contains(_ key: LeaseKey) -> Bool { entries.withLock { $0[key] != nil } }

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
            for lease in leases where entries[lease.key]?.gained.lease == lease {
                entries[lease.key]?.renewedAt = time
            }
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
}
