package import Logging
package import StreamCore

/// Keeps every registered function running, each as it is defined now.
///
/// A function whose definition or mappings change is drained, and then started as it is now.
package struct FunctionSupervisor: Sendable {
    private enum Event: Sendable {
        case registered([RegisteredFunction])
        case ended(FunctionName)
        case draining
    }

    private struct Running {
        let function: RegisteredFunction
        let drain: DrainSignal
    }

    private let clock: any Clock<Duration>
    private let logger: Logger
    private let runFunction: @Sendable (RegisteredFunction, DrainSignal) async throws -> Void

    /// - Parameter runFunction: Runs one function until it is asked to drain.
    package init(
        clock: any Clock<Duration>,
        logger: Logger,
        runFunction: @escaping @Sendable (RegisteredFunction, DrainSignal) async throws -> Void
    ) {
        self.clock = clock
        self.logger = logger
        self.runFunction = runFunction
    }

    /// Runs until `drain` is requested and every function has ended.
    ///
    /// - Parameter registrations: The whole set of functions, at first and after each change.
    package func run(
        _ registrations: some AsyncSequence<[RegisteredFunction], Never> & Sendable,
        until drain: DrainSignal
    ) async {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        drain.onRequest { continuation.yield(.draining) }

        await withDiscardingTaskGroup { group in
            group.addTask {
                for await functions in registrations { continuation.yield(.registered(functions)) }
            }
            var wanted: [FunctionName: RegisteredFunction] = [:]
            var running: [FunctionName: Running] = [:]
            for await event in events {
                switch event {
                case .registered(let functions):
                    wanted = Dictionary(functions.map { ($0.definition.name, $0) }, uniquingKeysWith: { $1 })
                case .ended(let name): running[name] = nil
                case .draining: break
                }
                if drain.isRequested { wanted = [:] }

                for (name, unit) in running where wanted[name] != unit.function { unit.drain.request() }
                for (name, function) in wanted where running[name] == nil {
                    let unit = Running(function: function, drain: DrainSignal())
                    running[name] = unit
                    group.addTask {
                        await run(unit)
                        continuation.yield(.ended(name))
                    }
                }
                if drain.isRequested, running.isEmpty { break }
            }
            // Ends the watching of registrations.
            group.cancelAll()
        }
    }

    private func run(_ unit: Running) async {
        let name = unit.function.definition.name
        do {
            try await runFunction(unit.function, unit.drain)
        } catch {
            logger.error("function stopped", metadata: ["function": "\(name)", "error": "\(error)"])
        }
        // It is started again unless it was asked to end: without a pause one that ends at once would spin.
        _ = try? await unit.drain.interruptible { [clock] in try await clock.sleep(for: .seconds(1)) }
    }
}
