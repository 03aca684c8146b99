import Delivery
import Logging
import StreamCore

/// One gained shard, from its acquisition to its end, its draining or its loss, and the release of the lease.
struct LeaseTenure: Sendable {
    let ownership: LeaseOwnership
    let held: HeldLeases
    let resting: RestingShards
    let gained: GainedLease

    private var lease: Lease { gained.lease }
    private var logger: Logger { ownership.logger }

    func run(_ process: @escaping @Sendable (ShardClaim) async throws -> ShardOutcome) async {
        let store = ownership.store
        await goOn { [self] in
            let claim = ShardClaim(
                shard: lease.key.shard,
                start: gained.checkpoint,
                progress: try await insisting { try await store.progress(of: lease.key) },
                drain: gained.drain
            ) { commit in try await insisting { try await store.commit(commit, under: lease) } }
            return try await process(claim)
        }
    }

    /// Until the shard rests, or is not this worker's any more.
    func goOn(_ process: @escaping @Sendable () async throws -> ShardOutcome) async {
        do {
            switch try await gained.whileHeld(process) {
            case .resting(let shard): return resting.add(shard, of: self)
            case .over: await release()
            }
        } catch is LeaseLost {
            LeaseKeeper(ownership: ownership, held: held).lose(lease)
        } catch is CancellationError {
            // Lost or cancelled: the store refuses or forgets what is left.
        } catch is HandOffOverdue {
            await release()
        } catch is StreamNotFound {
            logger.info("shard of a deleted stream given up", metadata: ["lease": "\(lease.key)"])
            await releaseAfterPause()
        } catch {
            logger.error("shard given up", metadata: ["lease": "\(lease.key)", "error": "\(error)"])
            await releaseAfterPause()
        }
        held.remove(lease)
        // A shard that ended may have children.
        if !gained.drain.isRequested { ownership.wake.wake() }
    }

    /// Repeats a call of the store while the lease can be trusted: giving the shard up would repeat its batches.
    ///
    /// Ends by cancellation when the lease is lost, and soon when the shard is to be given up anyway. A commit that was
    /// taken although its answer was lost changes nothing when it is repeated.
    private func insisting<Value>(_ call: () async throws -> Value) async throws -> Value {
        var failures = 0
        var drainSeenAt: Duration?
        while true {
            do { return try await call() } catch let error as StoreUnavailable {
                failures += 1
                if gained.drain.isRequested {
                    let since = drainSeenAt ?? held.now
                    drainSeenAt = since
                    if held.now - since >= ownership.timing.lastWrites { throw error }
                }
                let delay = RetryPolicy.store.delay(afterFailures: failures, jitter: .random(in: 0...1))
                logger.warning(
                    "store did not answer and is asked again",
                    metadata: [
                        "lease": "\(lease.key)", "delay": "\(delay.formatted())", "error": "\(error)",
                    ]
                )
                try await ownership.clock.sleep(for: delay)
            }
        }
    }

    /// Without a pause a shard that fails at once would be taken and given up without end.
    private func releaseAfterPause() async {
        let (clock, pause) = (ownership.clock, ownership.timing.renewal)
        do { _ = try await gained.drain.interruptible { try await clock.sleep(for: pause) } } catch { return }
        await release()
    }

    /// Gives the lease up.
    ///
    /// What the store does not take within the failover time expires by itself.
    private func release() async {
        // From here on a renewal that finds it released has not lost it.
        held.noteFinished(lease)
        let began = held.now
        var failures = 0
        while true {
            do {
                try await ownership.store.release(lease)
                return logger.info("lease released", metadata: ["lease": "\(lease.key)"])
            } catch {
                failures += 1
                let delay = RetryPolicy.store.delay(afterFailures: failures, jitter: .random(in: 0...1))
                guard held.now - began + delay < ownership.timing.failover,
                    (try? await ownership.clock.sleep(for: delay)) != nil
                else {
                    return logger.warning(
                        "lease not released",
                        metadata: ["lease": "\(lease.key)", "error": "\(error)"]
                    )
                }
            }
        }
    }
}
