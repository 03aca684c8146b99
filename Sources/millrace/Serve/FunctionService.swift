import Coordination
import Logging
import ServiceLifecycle
import SQLiteStore
import StreamCore

/// Keeps every registered function running until the host shuts down.
struct FunctionService: Service {
    let registry: FunctionRegistry
    /// Registered first; all of them or none.
    let definitions: [FunctionDefinition]
    let runner: FunctionRunner
    /// Requested once the endpoint listens.
    let start: DrainSignal

    func run() async throws {
        let drain = DrainSignal()
        let supervisor = FunctionSupervisor(clock: runner.clock, logger: runner.logger) { function, drain in
            try await runner.run(function, until: drain)
        }
        try await withGracefulShutdownHandler {
            try await start.wait()
            guard !drain.isRequested else { return }
            try await registry.register(definitions)
            await supervisor.run(registrations(), until: drain)
        } onGracefulShutdown: {
            drain.request()
            start.request()
        }
    }

    /// The whole set of functions, at first and after each change.
    private func registrations() -> AsyncStream<[RegisteredFunction]> {
        AsyncStream { continuation in
            let reading = Task {
                for await _ in registry.changes() {
                    while !Task.isCancelled {
                        do {
                            continuation.yield(try await registry.functions())
                            break
                        } catch {
                            runner.logger.error("functions cannot be read", metadata: ["error": "\(error)"])
                            try? await runner.clock.sleep(for: .seconds(1))
                        }
                    }
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }
}
