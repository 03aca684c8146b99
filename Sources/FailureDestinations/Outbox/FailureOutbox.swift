package import Logging
package import StreamCore
import Synchronization

/// Takes stored failures to their destinations: at least once each, for as long as they are kept.
///
/// Whatever a destination does, its failures wait in the store and others go on.
package final class FailureOutbox: Sendable {
    private let store: any FailureStore
    private let destination: @Sendable (FailureTarget) throws -> any FailureDestination
    private let committed: WakeSignal
    private let delivered: @Sendable (BatchFailure) -> Void
    private let settings: OutboxSettings
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp
    private let jitter: @Sendable () -> Double
    private let logger: Logger
    private let plan: Mutex<DeliveryPlan>

    /// - Parameters:
    ///   - destination: The way to a target; what it throws counts as a failed try.
    ///   - committed: Woken by the store when a failure was committed; nobody else waits for it.
    ///   - delivered: Told of each failure once its destination has it and the store knows.
    ///   - now: Wall-clock time, by which tries are due.
    ///   - jitter: Random numbers from 0 to 1.
    package init(
        store: any FailureStore,
        destination: @escaping @Sendable (FailureTarget) throws -> any FailureDestination,
        committed: WakeSignal,
        delivered: @escaping @Sendable (BatchFailure) -> Void = { _ in },
        settings: OutboxSettings = OutboxSettings(),
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp,
        jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) },
        logger: Logger
    ) {
        self.store = store
        self.destination = destination
        self.committed = committed
        self.delivered = delivered
        self.settings = settings
        self.clock = clock
        self.now = now
        self.jitter = jitter
        self.logger = logger
        plan = Mutex(DeliveryPlan(settings: settings))
    }

    /// Delivers until `drain` is requested or the task is cancelled, and for a moment longer what is in flight.
    package func run(until drain: DrainSignal) async {
        let waking = drain.onRequest { [committed] in committed.wake() }
        defer { drain.forget(waking) }
        await withDiscardingTaskGroup { deliveries in
            var prunedAt: Timestamp?
            while !drain.isRequested, !Task.isCancelled {
                let wait: Duration
                do {
                    prunedAt = try await pruneIfDue(since: prunedAt)
                    wait = try await beginDue(in: &deliveries)
                } catch {
                    logger.error("stored failures cannot be read", metadata: ["error": "\(error)"])
                    wait = settings.storeRetry
                }
                // Woken by a commit, by the end of a delivery, and by draining.
                await committed.wait(upTo: wait, on: clock)
            }
            await finishInFlight()
            deliveries.cancelAll()
        }
    }

    /// - Returns: How long nothing is to be done, unless something happens.
    private func beginDue(in deliveries: inout DiscardingTaskGroup) async throws -> Duration {
        let now = now()
        while !Task.isCancelled {
            let taken = try await takeDue(at: now)
            for (failure, attempt) in taken {
                deliveries.addTask { await self.deliver(failure, attempt) }
            }
            if taken.isEmpty { break }
        }
        // The end of a delivery wakes, so what its destination has besides need not be looked at before.
        let (closed, release) = plan.withLock {
            ($0.closed(at: now).union($0.busy), $0.firstRelease(after: now))
        }
        let times = [release, try await store.nextDue(except: closed)].compactMap {
            $0?.millisecondsSince(now)
        }
        guard let next = times.min() else { return settings.lookInterval }
        return min(settings.lookInterval, max(settings.shortestWait, .milliseconds(next)))
    }

    /// Failures that are due and whose destinations take them now.
    private func takeDue(at now: Timestamp) async throws -> [(StoredFailure, DeliveryPlan.Attempt)] {
        // One that ends while the store is read may still be among what was read.
        let (inFlight, closed) = plan.withLock { ($0.inFlight, $0.closed(at: now)) }
        guard inFlight.count < settings.inTotal else { return [] }
        let due = try await store.due(at: now, limit: settings.inTotal, except: closed)
        return due.filter { !inFlight.contains($0.failure.id) }.compactMap { stored in
            stored.failure.target.flatMap { target in
                plan.withLock { $0.begin(stored.failure.id, for: target, at: now) }.map { (stored, $0) }
            }
        }
    }

    private func deliver(_ stored: StoredFailure, _ attempt: DeliveryPlan.Attempt) async {
        defer {
            plan.withLock { $0.end(attempt) }
            committed.wake()
        }
        do {
            try await withTimeLimit { [destination] in
                try await destination(attempt.target).deliver(stored.failure)
            }
            let isNoted = await note(attempt) { [store, now] in
                try await store.noteDelivered(attempt.id, at: now())
            }
            if isNoted { delivered(stored.failure) }
            let isBack = plan.withLock { $0.succeeded(attempt) }
            if isBack {
                logger.info("failures are delivered again", metadata: ["destination": "\(attempt.target)"])
            }
        } catch {
            // Cancelled by the end of the drain: not the destination's doing.
            guard !Task.isCancelled else { return }
            await postpone(stored, attempt, error)
        }
    }

    private func postpone(_ stored: StoredFailure, _ attempt: DeliveryPlan.Attempt, _ error: any Error) async
    {
        let text = "\(error)".prefixOfUTF8(FailureLimits.errorBytes)
        let (now, jitter) = (now(), jitter())
        let (next, isFirst) = plan.withLock { plan in
            plan.failed(attempt, attemptsBefore: stored.attempts, at: now, jitter: jitter)
        }
        if isFirst {
            logger.warning(
                "failures cannot be delivered",
                metadata: ["destination": "\(attempt.target)", "error": "\(text)"]
            )
        }
        await note(attempt) { [store] in try await store.notePostponed(attempt.id, until: next, error: text) }
    }

    /// Tries until the store has taken it; what was delivered would be delivered again otherwise.
    ///
    /// - Returns: `false` when the outbox ended first.
    @discardableResult
    private func note(
        _ attempt: DeliveryPlan.Attempt,
        _ write: @Sendable () async throws -> Void
    ) async -> Bool {
        while !Task.isCancelled {
            do {
                try await write()
                return true
            } catch {
                logger.error(
                    "delivery cannot be noted",
                    metadata: ["failure": "\(attempt.id)", "error": "\(error)"]
                )
                try? await clock.sleep(for: settings.storeRetry)
            }
        }
        return false
    }

    private func withTimeLimit(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [clock, limit = settings.deliveryTime] in
                try await clock.sleep(for: limit)
                throw DeliveryTimedOut(limit: limit)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Waits for deliveries in flight, up to the limit.
    private func finishInFlight() async {
        let stopwatch = Stopwatch(clock: clock)
        while !Task.isCancelled, !plan.withLock(\.inFlight).isEmpty {
            let left = settings.drainTime - stopwatch.elapsed
            guard left > .zero else { return }
            await committed.wait(upTo: left, on: clock)
        }
    }

    private func pruneIfDue(since last: Timestamp?) async throws -> Timestamp {
        let now = now()
        if let last, now.millisecondsSince(last) < settings.pruneInterval.milliseconds { return last }
        try await store.prune(
            deliveredBefore: now.advanced(byMilliseconds: -settings.keepsDelivered.milliseconds),
            undirectedBefore: now.advanced(byMilliseconds: -settings.keepsUndirected.milliseconds)
        )
        return now
    }
}

/// A destination took longer than a delivery may.
package struct DeliveryTimedOut: Error, Hashable, Sendable, CustomStringConvertible {
    package let limit: Duration
    package var description: String { "no end within \(limit.formatted())" }
}

extension StoredFailure {
    /// Tries so far.
    fileprivate var attempts: Int {
        switch delivery {
        case .none: 0
        case .waiting(let attempts, _, _), .delivered(_, let attempts): attempts
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
