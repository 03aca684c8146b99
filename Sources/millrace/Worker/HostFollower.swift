import Logging
import SQLiteStore
import ServiceLifecycle
import StreamCore
import Synchronization

/// Knows which host serves a data directory now, and says when it goes and comes.
final class HostFollower: Service {
    typealias Holder = DataDirectoryLock.Holder

    private let directory: String
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let host = Mutex<Holder?>(nil)

    /// How often to look: a host that was started anew is found within this time.
    private static let pause = Duration.milliseconds(250)

    init(directory: String, clock: any Clock<Duration>, logger: Logger) {
        self.directory = directory
        self.clock = clock
        self.logger = logger
    }

    /// The host that listens now; `nil` while none does.
    var current: Holder? { host.withLock(\.self) }

    /// Looks until the worker shuts down.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var isFirst = true
            while !Task.isCancelled {
                look(isFirst: isFirst)
                isFirst = false
                try? await clock.sleep(for: Self.pause)
            }
        }
    }

    /// Returns the host once one listens.
    func listening() async throws -> Holder {
        while true {
            if let current { return current }
            try await clock.sleep(for: Self.pause)
        }
    }

    private func look(isFirst: Bool) {
        let found: Holder?
        do {
            found = try DataDirectoryLock.holder(of: directory)
        } catch {
            // Half written, or not to be read now: the next look tells.
            logger.debug("host not known", metadata: ["error": "\(error)"])
            return
        }
        let now = found.flatMap { $0.address == nil ? nil : $0 }
        let before = host.withLock { host in
            defer { host = now }
            return host
        }
        guard now != before || isFirst else { return }
        if let now {
            logger.info("log found", metadata: ["endpoint": "\(now.address ?? "")", "host": "\(now)"])
        } else {
            logger.warning(
                "nobody serves the data directory: waiting",
                metadata: [
                    "data": "\(directory)",
                    "hint": "start its host with `millrace serve --data \(directory)`",
                ]
            )
        }
    }
}
