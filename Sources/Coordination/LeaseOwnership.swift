import Delivery
package import Logging
package import StreamCore

/// Shard ownership by leases: sync shards, take leases, renew them, hand them over, give everything up when they may
/// have expired.
package final class LeaseOwnership: ShardOwnership {
    package let mapping: EventSourceMapping
    package let worker: WorkerID
    package let source: any LogSource
    package let store: any LeaseStore
    /// The other workers; without it they are known by the leases that they hold.
    package let roster: WorkerRoster?
    package let rules: LeasePlan.Rules
    /// Who decides which worker has which lease, asked before each plan.
    package let planning: @Sendable () async throws -> LeasePlanning
    /// Says how busy each shard is; without it that is not known.
    package let statuses: ShardStatuses?
    /// Is told what was seen of the leases.
    package let views: LeaseViews?
    package let clock: any Clock<Duration>
    /// Woken when the stream's shards or another worker's leases may have changed.
    package let wake: WakeSignal
    /// Called once every shard of the stream has a row, and with it a place where it starts.
    package let synced: @Sendable () -> Void
    package let logger: Logger

    package var timing: LeaseTiming { rules.timing }

    package init(
        mapping: EventSourceMapping,
        worker: WorkerID,
        source: any LogSource,
        store: any LeaseStore,
        roster: WorkerRoster? = nil,
        rules: LeasePlan.Rules = LeasePlan.Rules(),
        planning: @escaping @Sendable () async throws -> LeasePlanning = { .own },
        statuses: ShardStatuses? = nil,
        views: LeaseViews? = nil,
        clock: any Clock<Duration>,
        wake: WakeSignal = WakeSignal(),
        synced: @escaping @Sendable () -> Void = {},
        logger: Logger
    ) {
        self.mapping = mapping
        self.worker = worker
        self.source = source
        self.store = store
        self.roster = roster
        self.rules = rules
        self.planning = planning
        self.statuses = statuses
        self.views = views
        self.clock = clock
        self.wake = wake
        self.synced = synced
        self.logger = logger
    }

    package func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> ShardOutcome
    ) async throws {
        let held = HeldLeases(trustedFor: timing.ownTrust, clock: clock)
        let resting = RestingShards()
        let registration = drain.onRequest { [wake] in
            // At once: a round may be held up by a slow store or stream.
            held.drainAll()
            wake.wake()
        }
        let watcher = roster?.watch(wake)
        defer {
            drain.forget(registration)
            if let watcher { roster?.forget(watcher) }
            views?.remove(mapping.id)
        }

        let keeper = LeaseKeeper(ownership: self, held: held)
        try await awaitRegistration(drain)
        try await withThrowingDiscardingTaskGroup { group in
            let end = DrainSignal()
            group.addTask { try await keeper.watch(until: end) }
            group.addTask { try await keeper.renew(until: end) }
            group.addTask { await resting.run() }
            defer {
                end.request()
                resting.end()
            }

            var round = LeaseRound(self, held: held)
            var isWoken = false
            var isSynced = false
            while !drain.isRequested {
                var wait = timing.renewal
                do {
                    try await round.prepare(isWoken: isWoken)
                    if !isSynced { synced() }
                    isSynced = true
                    while !drain.isRequested, let gained = try await round.acquireNext() {
                        let tenure = LeaseTenure(
                            ownership: self,
                            held: held,
                            resting: resting,
                            gained: gained
                        )
                        group.addTask { await tenure.run(process) }
                    }
                    wait = round.wait
                } catch let error where !(error is CancellationError) {
                    // The leases in hand run on until they can no longer be trusted.
                    logger.warning("lease round failed", metadata: ["error": "\(error)"])
                }
                isWoken = wait > .zero ? await wake.wait(upTo: wait, on: clock) : false
                try Task.checkCancellation()
            }
            // Those that were acquired since draining was requested.
            held.drainAll()
            while !held.isEmpty {
                // While the last batches finish, their leases stay alive.
                await held.changed.wait(upTo: timing.renewal, on: clock)
                try Task.checkCancellation()
            }
            if isSynced { await giveBack(round) }
        }
    }

    /// A worker that nobody knows yet does not plan: its share would be taken from under it, or it would take others'.
    private func awaitRegistration(_ drain: DrainSignal) async throws {
        guard let roster, !roster.registered.isRequested, !drain.isRequested else { return }
        let either = DrainSignal()
        let registrations = [drain, roster.registered].map { ($0, $0.onRequest { either.request() }) }
        defer { for (signal, registration) in registrations { signal.forget(registration) } }
        _ = try await either.interruptible { [clock, timing] in try await clock.sleep(for: timing.renewal) }
    }

    private func giveBack(_ round: LeaseRound) async {
        do { try await round.giveBack() } catch {
            logger.warning("leases kept for this worker not freed", metadata: ["error": "\(error)"])
        }
    }
}
