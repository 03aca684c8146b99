import Delivery
package import Logging
package import StreamCore

/// Shard ownership by leases: sync shards, take leases, renew them, give everything up when they may have
/// expired.
package struct LeaseOwnership: ShardOwnership {
    package let mapping: EventSourceMapping
    package let worker: WorkerID
    package let source: any LogSource
    package let store: any LeaseStore
    package let timing: LeaseTiming
    package let clock: any Clock<Duration>
    /// Woken when the stream's shards or another worker's leases may have changed.
    package let wake: WakeSignal
    /// Called once every shard of the stream has a row, and with it a place where it starts.
    package let synced: @Sendable () -> Void
    package let logger: Logger

    package init(
        mapping: EventSourceMapping,
        worker: WorkerID,
        source: any LogSource,
        store: any LeaseStore,
        timing: LeaseTiming = LeaseTiming(),
        clock: any Clock<Duration>,
        wake: WakeSignal = WakeSignal(),
        synced: @escaping @Sendable () -> Void = {},
        logger: Logger
    ) {
        self.mapping = mapping
        self.worker = worker
        self.source = source
        self.store = store
        self.timing = timing
        self.clock = clock
        self.wake = wake
        self.synced = synced
        self.logger = logger
    }

    package func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> Void
    ) async throws {
        let held = HeldLeases(trustedFor: timing.ownTrust, clock: clock)
        var round = LeaseRound(self, held: held)
        let registration = drain.onRequest { [wake] in
            // At once: a round may be held up by a slow store or stream.
            held.drainAll()
            wake.wake()
        }
        defer { drain.forget(registration) }

        try await withThrowingDiscardingTaskGroup { group in
            let watchdog = DrainSignal()
            group.addTask { try await loseUnrenewedLeases(held, until: watchdog) }
            defer { watchdog.request() }

            var isWoken = false
            var isSynced = false
            while !drain.isRequested {
                do {
                    try await round.prepare(isWoken: isWoken)
                    if !isSynced { synced() }
                    isSynced = true
                    while !drain.isRequested, let gained = try await round.acquireNext() {
                        group.addTask { await run(process, on: gained, held) }
                    }
                } catch let error where !(error is CancellationError) {
                    // The leases in hand run on until they can no longer be trusted.
                    logger.warning("lease round failed", metadata: ["error": "\(error)"])
                }
                isWoken = await wake.wait(upTo: timing.renewal, on: clock)
                try Task.checkCancellation()
            }
            // Those that were acquired since draining was requested.
            held.drainAll()
            await keepRenewing(held)
        }
    }

    /// While the last batches finish, their leases stay alive.
    private func keepRenewing(_ held: HeldLeases) async {
        while !held.isEmpty, !Task.isCancelled {
            await held.changed.wait(upTo: timing.renewal, on: clock)
            do { try await renew(held) } catch {
                logger.warning("lease round failed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Renews every lease in hand; what was lost is stopped.
    func renew(_ held: HeldLeases) async throws {
        let leases = held.leases
        guard !leases.isEmpty else { return }
        // Trust starts before the write, so that it never outlasts what others observe.
        let asked = held.now
        let lost = try await store.renew(leases)
        held.noteRenewal(of: leases.filter { !lost.contains($0.key) }, at: asked)
        for lease in leases where lost.contains(lease.key) { lose(lease, held) }
    }

    private func loseUnrenewedLeases(_ held: HeldLeases, until stop: DrainSignal) async throws {
        while try await stop.interruptible({ try await clock.sleep(for: timing.trustCheck) }) != nil {
            for lease in held.untrusted() { lose(lease, held) }
        }
    }

    private func lose(_ lease: Lease, _ held: HeldLeases) {
        if held.lose(lease) { logger.warning("lease lost", metadata: ["lease": "\(lease.key)"]) }
    }

    /// Processes one gained shard to its end, its draining or its loss, and releases the lease.
    private func run(
        _ process: @escaping @Sendable (ShardClaim) async throws -> Void,
        on gained: GainedLease,
        _ held: HeldLeases
    ) async {
        let lease = gained.lease
        do {
            try await gained.whileHeld {
                let claim = ShardClaim(
                    shard: lease.key.shard,
                    start: gained.checkpoint,
                    progress: try await insisting(lease) { try await store.progress(of: lease.key) },
                    drain: gained.drain
                ) { commit in try await insisting(lease) { try await store.commit(commit, under: lease) } }
                try await process(claim)
            }
            try await release(lease, held)
            logger.info("lease released", metadata: ["lease": "\(lease.key)"])
        } catch is LeaseLost {
            lose(lease, held)
        } catch is CancellationError {
            // Lost or cancelled: the store refuses or forgets what is left.
        } catch is StreamNotFound {
            logger.info("shard of a deleted stream given up", metadata: ["lease": "\(lease.key)"])
            await releaseAfterPause(gained, held)
        } catch {
            logger.error("shard given up", metadata: ["lease": "\(lease.key)", "error": "\(error)"])
            await releaseAfterPause(gained, held)
        }
        held.remove(lease)
        // A shard that ended may have children.
        wake.wake()
    }

    /// Repeats a call of the store while the lease can be trusted: giving the shard up would repeat its batches.
    ///
    /// Ends by cancellation when the lease is lost. A commit that was taken although its answer was lost changes
    /// nothing when it is repeated.
    private func insisting<Value>(_ lease: Lease, _ call: () async throws -> Value) async throws -> Value {
        var failures = 0
        while true {
            do { return try await call() } catch let error as StoreUnavailable {
                failures += 1
                let delay = RetryPolicy.store.delay(afterFailures: failures, jitter: .random(in: 0...1))
                logger.warning(
                    "store did not take a commit and is tried again",
                    metadata: [
                        "lease": "\(lease.key)", "delay": "\(delay.formatted())", "error": "\(error)",
                    ]
                )
                try await clock.sleep(for: delay)
            }
        }
    }

    /// Without a pause a shard that fails at once would be taken and given up without end.
    private func releaseAfterPause(_ gained: GainedLease, _ held: HeldLeases) async {
        do {
            _ = try await gained.drain.interruptible { try await clock.sleep(for: timing.renewal) }
            try await release(gained.lease, held)
        } catch {
            logger.warning(
                "lease not released",
                metadata: ["lease": "\(gained.lease.key)", "error": "\(error)"]
            )
        }
    }

    private func release(_ lease: Lease, _ held: HeldLeases) async throws {
        // From here on a renewal that finds it released has not lost it.
        held.noteFinished(lease)
        try await store.release(lease)
    }
}
