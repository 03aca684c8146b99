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
