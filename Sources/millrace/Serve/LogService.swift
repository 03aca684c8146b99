import EmbeddedLog
import ServiceLifecycle

/// Drops expired segments while the host runs; the log is closed once nothing reads or writes it any more.
struct LogService: Service {
    let log: EmbeddedLog

    func run() async throws {
        await cancelWhenGracefulShutdown { await log.run() }
        log.close()
    }
}
