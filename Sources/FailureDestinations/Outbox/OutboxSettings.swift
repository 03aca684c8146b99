/// The limits of delivering failures.
package struct OutboxSettings: Hashable, Sendable {
    /// Deliveries at the same time to one destination.
    package var perDestination = 4
    /// Deliveries at the same time in all.
    package var inTotal = 32
    /// The longest one delivery may take.
    package var deliveryTime = Duration.seconds(60)
    /// How long deliveries in flight are waited for when the host shuts down; then they are abandoned and begin again
    /// with its next start.
    package var drainTime = Duration.seconds(5)
    /// The longest time between two looks at the store.
    package var lookInterval = Duration.seconds(60)
    /// The shortest, should something be due that cannot begin.
    package var shortestWait = Duration.milliseconds(10)
    /// After a call of the store has failed.
    package var storeRetry = Duration.seconds(1)
    /// How long failures are kept that were delivered.
    package var keepsDelivered = Duration.seconds(7 * 86_400)
    /// How long failures are kept whose mapping names no destination: nothing else has their records.
    package var keepsUndirected = Duration.seconds(30 * 86_400)
    package var pruneInterval = Duration.seconds(3_600)

    package init() {}
}
