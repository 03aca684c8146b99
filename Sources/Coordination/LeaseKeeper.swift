import Logging
import StreamCore

/// Keeps a worker's leases alive on a beat of its own, and stops the shards of those that can no longer be trusted.
///
/// It shares nothing with the worker's look at all leases but the store: a stream that is slow to list or a plan of many
/// leases delays no renewal.
struct LeaseKeeper {
    let ownership: LeaseOwnership
    let held: HeldLeases

    private var timing: LeaseTiming { ownership.timing }
    private var logger: Logger { ownership.logger }

    /// Renews every lease in hand in each renewal period; what was lost is stopped.
    func renew(until end: DrainSignal) async throws {
        var due = held.now + timing.renewal
        while try await sleep(until: due, end) {
            // Measured from the start of the call, so that a slow store does not add to it.
            due = held.now + timing.renewal
            do {
                _ = try await end.interruptible { try await renewAll() }
            } catch let error where !(error is CancellationError) {
                logger.warning("leases not renewed", metadata: ["error": "\(error)"])
                // There is time for another try before the shards must be stopped.
                due = min(due, held.now + timing.renewal / 3)
            }
        }
    }

    private func renewAll() async throws {
        let leases = held.leases
        guard !leases.isEmpty else { return }
        let throughput = ownership.statuses.map(held.throughput) ?? [:]
        // Trust starts before the write, so that it never outlasts what others observe.
        let asked = held.now
        var lost: Set<LeaseKey> = []
        var partly: PartlyRenewed?
        do { lost = try await ownership.store.renew(leases, throughput: throughput) } catch let error
            as PartlyRenewed
        {
            // Those that were renewed are not to be stopped for the others.
            (lost, partly) = (error.lost, error)
        }
        let doubtful = lost.union(partly?.unanswered ?? [])
        let renewed = doubtful.isEmpty ? leases : leases.filter { !doubtful.contains($0.key) }
        held.noteRenewal(of: renewed, at: asked)
        for lease in leases where lost.contains(lease.key) { lose(lease) }
        // Perhaps it was freed, and is this worker's to take again.
        if !lost.isEmpty { ownership.wake.wake() }
        if let partly { throw partly }
    }

    /// Stops the shards whose leases others may take to be expired, or that should have been handed over by now.
    func watch(until end: DrainSignal) async throws {
        while try await sleep(until: held.now + timing.trustCheck, end) {
            for lease in held.untrusted() { lose(lease) }
            for lease in held.cancelOverdue() {
                logger.warning("batch in hand cancelled for a hand-off", metadata: ["lease": "\(lease.key)"])
            }
        }
    }

    func lose(_ lease: Lease) {
        if held.lose(lease) { logger.warning("lease lost", metadata: ["lease": "\(lease.key)"]) }
    }

    /// - Returns: `false` when the end was requested first.
    private func sleep(until time: Duration, _ end: DrainSignal) async throws -> Bool {
        let wait = max(.milliseconds(1), time - held.now)
        return try await end.interruptible { [ownership] in try await ownership.clock.sleep(for: wait) }
            != nil
    }
}
