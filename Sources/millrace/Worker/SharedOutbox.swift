import FailureDestinations
import Logging
import SQLiteStore
import ServiceLifecycle
import StreamCore

/// Delivers the failures of a data directory that several workers share: one of them at a time.
///
/// The one that has the directory's lock does; when it ends the next takes over.
struct SharedOutbox: Service {
    let directory: String
    let outbox: FailureOutbox
    let clock: any Clock<Duration>
    let logger: Logger

    /// How often to try for the lock.
    private static let pause = Duration.seconds(1)

    func run() async throws {
        let drain = DrainSignal()
        await withGracefulShutdownHandler {
            while let lock = await lock(until: drain) {
                logger.debug("delivering failures", metadata: ["data": "\(directory)"])
                await outbox.run(until: drain)
                withExtendedLifetime(lock) {}
            }
        } onGracefulShutdown: {
            drain.request()
        }
    }

    /// - Returns: `nil` when the worker shuts down first.
    private func lock(until drain: DrainSignal) async -> DataDirectoryLock? {
        while !drain.isRequested, !Task.isCancelled {
            // Asked first, as trying for a lock that is held takes a while.
            let isFree = (try? DataDirectoryLock.holder(of: directory)) == .some(nil)
            if isFree, let lock = try? DataDirectoryLock(directory: directory) { return lock }
            let pause: Void? = try? await drain.interruptible { [clock] in
                try await clock.sleep(for: Self.pause)
            }
            if pause == nil { return nil }
        }
        return nil
    }
}
