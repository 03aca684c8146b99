import FailureDestinations
import ServiceLifecycle
import StreamCore

/// Delivers stored failures until the host shuts down.
struct FailureService: Service {
    let outbox: FailureOutbox

    func run() async throws {
        let drain = DrainSignal()
        await withGracefulShutdownHandler {
            await outbox.run(until: drain)
        } onGracefulShutdown: {
            drain.request()
        }
    }
}

extension OutboxSettings {
    /// Other processes store failures as well, and can wake nobody here: they are looked for more often.
    static var amongProcesses: OutboxSettings {
        var settings = OutboxSettings()
        settings.lookInterval = .seconds(5)
        return settings
    }
}
