import Coordination
import Logging
import ServiceLifecycle
import SQLiteStore
import StreamCore

/// Keeps every registered function running until the host shuts down.
struct FunctionService: Service {
    let registry: FunctionRegistry
    let runner: FunctionRunner

    func run() async throws {
        let drain = DrainSignal()
        let supervisor = FunctionSupervisor(clock: runner.clock, logger: runner.logger) { function, drain in
            try await runner.run(function, until: drain)
        }
        await withGracefulShutdownHandler {
            await supervisor.run(registrations(), until: drain)
        } onGracefulShutdown: {
            drain.request()
        }
    }

    /// The whole set of functions, at first and after each change.
    private func registrations() -> AsyncStream<[RegisteredFunction]> {
        AsyncStream { continuation in
            let reading = Task {
                for await _ in registry.changes() {
                    do {
                        continuation.yield(try await registry.functions())
                    } catch {
                        runner.logger.error("functions cannot be read", metadata: ["error": "\(error)"])
                    }
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }
}
