import LambdaAPI
import ServiceLifecycle

/// Carries out asynchronous invocations until the host shuts down; those that wait are lost then.
struct EventService: Service {
    let events: EventInvocations

    func run() async throws {
        await cancelWhenGracefulShutdown { await events.run() }
    }
}
