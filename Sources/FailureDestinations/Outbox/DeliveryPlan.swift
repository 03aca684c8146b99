import StreamCore

/// Which failures may be taken to their destinations now.
///
/// A destination that fails is held back as a whole, so that thousands of failures for it are not thousands of
/// tries; then one of them is tried, and the others follow once that has worked. The last quarter of all places is
/// for destinations that have no other: slow ones cannot take up everything.
struct DeliveryPlan {
    /// A delivery that has begun.
    struct Attempt: Hashable {
        let id: String
        let target: FailureTarget
        /// How often the destination had failed when it began.
        let failuresBefore: Int
    }

    private struct Destination {
        var inFlight = 0
        /// Tries in a row that failed, those at the same time counted as one.
        var failures = 0
        var heldUntil = Timestamp(milliseconds: .min)
    }

    private let settings: OutboxSettings
    private let backoff: DeliveryBackoff
    private var attempts: [String: Attempt] = [:]
    /// Those with deliveries in flight or failures in a row.
    private var destinations: [FailureTarget: Destination] = [:]

    init(settings: OutboxSettings, backoff: DeliveryBackoff = DeliveryBackoff()) {
        self.settings = settings
        self.backoff = backoff
    }

    var inFlight: Set<String> { Set(attempts.keys) }

    /// Destinations with deliveries in flight.
    var busy: Set<FailureTarget> { Set(attempts.values.map(\.target)) }

    /// Destinations that take nothing more now: held back, or with all their places taken.
    func closed(at now: Timestamp) -> Set<FailureTarget> {
        Set(destinations.filter { !isOpen($0.value, at: now) }.keys)
    }

    /// Takes up the failure if its destination is not held back and there is a place for it.
    mutating func begin(_ id: String, for target: FailureTarget, at now: Timestamp) -> Attempt? {
        var destination = destinations[target] ?? Destination()
        guard attempts.count < settings.inTotal, attempts[id] == nil, isOpen(destination, at: now) else {
            return nil
        }
        let attempt = Attempt(id: id, target: target, failuresBefore: destination.failures)
        attempts[id] = attempt
        destination.inFlight += 1
        destinations[target] = destination
        return attempt
    }

    private func isOpen(_ destination: Destination, at now: Timestamp) -> Bool {
        let isCrowded = attempts.count >= settings.inTotal - settings.inTotal / 4
        let places = isCrowded || destination.failures > 0 ? 1 : settings.perDestination
        return destination.heldUntil <= now && destination.inFlight < places
    }

    /// - Returns: Whether the destination works again after it had failed.
    @discardableResult
    mutating func succeeded(_ attempt: Attempt) -> Bool {
        defer {
            destinations[attempt.target]?.failures = 0
            destinations[attempt.target]?.heldUntil = Timestamp(milliseconds: .min)
        }
        return destinations[attempt.target].map { $0.failures > 0 } ?? false
    }

    /// - Parameters:
    ///   - attemptsBefore: How often this failure had been tried before.
    ///   - jitter: A random number from 0 to 1.
    /// - Returns: When it is tried again, and whether the destination has just begun to fail.
    mutating func failed(
        _ attempt: Attempt,
        attemptsBefore: Int,
        at now: Timestamp,
        jitter: Double
    ) -> (next: Timestamp, isFirst: Bool) {
        var destination = destinations[attempt.target] ?? Destination()
        // Those that were in flight together tell of the same trouble.
        let isNews = destination.failures == attempt.failuresBefore
        if isNews {
            destination.failures += 1
            destination.heldUntil = release(afterFailures: destination.failures, at: now, jitter)
            destinations[attempt.target] = destination
        }
        let next = max(release(afterFailures: attemptsBefore + 1, at: now, jitter), destination.heldUntil)
        return (next, isNews && attempt.failuresBefore == 0)
    }

    /// Gives up the attempt's place.
    ///
    /// Not before the store knows how it went: what it hands out as due would begin again.
    mutating func end(_ attempt: Attempt) {
        attempts[attempt.id] = nil
        guard var destination = destinations[attempt.target] else { return }
        destination.inFlight -= 1
        let isIdle = destination.inFlight == 0 && destination.failures == 0
        destinations[attempt.target] = isIdle ? nil : destination
    }

    private func release(afterFailures failures: Int, at now: Timestamp, _ jitter: Double) -> Timestamp {
        now.advanced(byMilliseconds: backoff.delayMilliseconds(afterFailures: failures, jitter: jitter))
    }

    /// When the first destination that is held back may be tried; `nil` when none is.
    func firstRelease(after now: Timestamp) -> Timestamp? {
        destinations.values.lazy.map(\.heldUntil).filter { $0 > now }.min()
    }
}
