import StreamCore
import Synchronization

/// The subscriptions that are active: one for each consumer and shard.
final class Subscriptions: Sendable {
    struct Key: Hashable, Sendable {
        let consumer: String
        let shard: ShardID
    }

    /// What ends a subscription before its time.
    final class Ending: Sendable {
        enum Reason: Sendable {
            case takenOver
            case consumerDeregistered
            case shutdown
        }

        let signal = DrainSignal()
        private let first = Mutex<Reason?>(nil)

        /// The first reason that was given.
        var reason: Reason? { first.withLock(\.self) }

        func request(_ reason: Reason) {
            first.withLock { if $0 == nil { $0 = reason } }
            signal.request()
        }
    }

    private struct Subscription {
        let ending: Ending
        let running: Stopwatch
    }

    /// How long a subscription is safe from the next one of the same consumer.
    private static let protectedTime = Duration.seconds(5)

    private let clock: any Clock<Duration>
    private let active = Mutex<[Key: Subscription]>([:])

    init(clock: any Clock<Duration>) {
        self.clock = clock
    }

    /// Begins a subscription, and ends the one that there was.
    ///
    /// - Returns: `nil` when that one has begun just now.
    func begin(_ key: Key) -> Ending? {
        let ending = Ending()
        let subscription = Subscription(ending: ending, running: Stopwatch(clock: clock))
        let (isBegun, earlier) = active.withLock { active in
            let earlier = active[key]
            if let earlier, earlier.running.elapsed < Self.protectedTime { return (false, nil as Ending?) }
            active[key] = subscription
            return (true, earlier?.ending)
        }
        earlier?.request(.takenOver)
        return isBegun ? ending : nil
    }

    /// Forgets a subscription that has ended; one that took over stays.
    func end(_ key: Key, _ ending: Ending) {
        active.withLock { if $0[key]?.ending === ending { $0[key] = nil } }
    }

    func endAll(of consumer: String) {
        let endings = active.withLock { active in
            active.filter { $0.key.consumer == consumer }.map(\.value.ending)
        }
        for ending in endings { ending.request(.consumerDeregistered) }
    }

    var count: Int { active.withLock(\.count) }
}
