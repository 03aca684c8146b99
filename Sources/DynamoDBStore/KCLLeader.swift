package import StreamCore
import Synchronization

/// Tells whether a leader of KCL 3 lives: then leases are assigned by it, and ours only follow.
///
/// The leader holds a lock, the item `Leader` of `APP-CoordinatorState` (in KCL 3.5's single table of the lease table), and
/// gives it a new version each 30 s. As everywhere, nobody's wall clock is trusted: it lives while the version changes
/// within the time that the lock itself names, by the observer's clock.
package final class KCLLeader: Sendable {
    /// KCL's own, when the item does not say.
    static let defaultLifetime = Duration.seconds(120)
    private static let longestLifetime = Duration.seconds(3_600)

    private let application: DynamoDBApplication
    private let elapsed: @Sendable () -> Duration
    private let seen = Mutex<Sighting?>(nil)

    private struct Sighting {
        let version: String
        let moment: Duration
    }

    package init(_ application: DynamoDBApplication) {
        self.application = application
        elapsed = Self.stopwatch(application.clock)
    }

    private static func stopwatch(_ clock: some Clock<Duration>) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// The worker that leads; `nil` when none does.
    ///
    /// One whose lock was not seen before counts as alive until the lock's time is over.
    package func leader() async throws -> WorkerID? {
        let now = elapsed()
        guard let lock = try await lock(), let version = lock["recordVersionNumber"]?.string,
            let owner = lock["ownerName"]?.string
        else {
            seen.withLock { $0 = nil }
            return nil
        }
        let lifetime = Self.lifetime(lock)
        let isAlive = seen.withLock { seen in
            guard let last = seen, last.version == version else {
                seen = Sighting(version: version, moment: now)
                return true
            }
            return now - last.moment < lifetime
        }
        return isAlive ? WorkerID(unchecked: owner) : nil
    }

    private static func lifetime(_ lock: Item) -> Duration {
        guard let milliseconds = lock["leaseDuration"]?.string.flatMap({ Int64($0) }), milliseconds > 0 else {
            return defaultLifetime
        }
        return min(.milliseconds(milliseconds), longestLifetime)
    }

    /// - Returns: `nil` when nobody holds it.
    private func lock() async throws -> Item? {
        for (table, key) in [(application.coordinatorTable, "key"), (application.leaseTable, "leaseKey")] {
            do {
                let item = try await application.client.item([key: .string("Leader")], in: table)
                if let item, item["isReleased"] == nil { return item }
            } catch let refusal as Refusal where refusal.isMissing {}
        }
        return nil
    }
}
