import Coordination
import HandlerProcess
import Logging
import ServiceLifecycle
import SQLiteStore
import StreamCore

/// Keeps every registered function deployed and every mapping running until the host shuts down.
struct FunctionService: Service {
    let registry: FunctionRegistry
    let role: RegistryRole
    /// Other workers take their functions from it too, and are to know what this one has carried out.
    var isRegistryShared = false
    let deployments: Deployments
    let runner: MappingRunner
    /// Requested when this worker is to give up its shards, by an operator or as the process ends.
    let drain: DrainSignal
    /// A host that is drained still deploys and invokes functions for those who call its API; a worker ends.
    let endsWhenDrained: Bool
    /// Requested once functions may run: a host's endpoint listens.
    let start: DrainSignal

    /// New code is started this many at a time, so that a folder full of functions does not run into its time limits.
    private static let startsAtOnce = 2

    func run() async throws {
        let end = DrainSignal()
        try await withGracefulShutdownHandler {
            try await start.wait()
            guard !end.isRequested else { return }
            if case .keeper(let duties) = role {
                try await registry.register(duties.definitions)
                // What a crash left behind.
                await duties.collectCode()
            }
            await serve(until: end)
        } onGracefulShutdown: {
            end.request()
            drain.request()
            start.request()
        }
    }

    private func serve(until end: DrainSignal) async {
        let (trials, trialQueue) = AsyncStream.makeStream(of: Deployments.Trial.self)
        let (ended, endedQueue) = AsyncStream.makeStream(of: HandlerPool.self)
        let (mappings, mappingQueue) = AsyncStream.makeStream(of: [EventSourceMapping].self)
        let stragglers = MappingStragglers(
            besides: runner.worker,
            leases: runner.leases,
            carriedOut: { [registry] in try await registry.carriedOut($0) },
            clock: runner.clock
        )
        let supervisor = MappingSupervisor(
            clock: runner.clock,
            logger: runner.logger,
            settle: { mapping in
                if isRegistryShared { try await registry.noteCarriedOut(mapping, by: runner.worker) }
                guard case .keeper(let duties) = role else { return true }
                if duties.waitsForWorkers {
                    guard try await stragglers.workers(of: mapping).isEmpty else { return false }
                }
                try await registry.settleMapping(mapping)
                return true
            },
            runMapping: { try await runner.run($0, until: $1, ready: $2) }
        )
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await functions in registrations() {
                    // A mapping that starts finds its function deployed.
                    let changes = deployments.apply(functions, tryingNewCode: isKeeper)
                    for trial in changes.trials { trialQueue.yield(trial) }
                    for pool in changes.ended { endedQueue.yield(pool) }
                    mappingQueue.yield(functions.flatMap(\.mappings))
                }
            }
            group.addTask {
                await carryOut(trials) { endedQueue.yield($0) }
            }
            group.addTask { await self.end(ended) }
            if isRegistryShared {
                group.addTask { await registry.watchOtherProcesses(clock: runner.clock) }
            }
            await supervisor.run(mappings, until: drain)
            if !endsWhenDrained, !end.isRequested {
                runner.logger.info("drained: this host has no shards until it is started anew")
                try? await end.wait()
            }
            group.cancelAll()
        }
        await deployments.shutDown()
    }

    private var isKeeper: Bool {
        if case .keeper = role { true } else { false }
    }

    // MARK: - New code and old

    private func carryOut(
        _ trials: AsyncStream<Deployments.Trial>,
        ending: @escaping @Sendable (HandlerPool) -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            var count = 0
            for await trial in trials {
                if count == Self.startsAtOnce { await group.next() } else { count += 1 }
                group.addTask { if let pool = await carryOut(trial) { ending(pool) } }
            }
        }
    }

    /// - Returns: The processes that are not needed any more.
    private func carryOut(_ trial: Deployments.Trial) async -> HandlerPool? {
        let failure = await trial.pool.warm()
        if let failure {
            runner.logger.warning(
                trial.isCandidate ? "new code does not start, the old runs on" : "function does not start",
                metadata: ["function": "\(trial.function.name)", "reason": "\(failure)"]
            )
        }
        let ended: HandlerPool? =
            !trial.isCandidate ? nil : failure == nil ? deployments.takeOver(trial) : trial.pool
        await settle(trial.function, failure)
        return ended
    }

    private func end(_ pools: AsyncStream<HandlerPool>) async {
        await withDiscardingTaskGroup { group in
            for await pool in pools {
                group.addTask {
                    await pool.shutDown(within: pool.function.timeout)
                    if case .keeper(let duties) = role { await duties.collectCode() }
                }
            }
        }
    }

    /// Tells the registry, however long that takes: until then clients see the change as under way.
    private func settle(_ function: RegisteredFunction, _ failure: String?) async {
        defer { deployments.noteTried(function.revisionID) }
        while !Task.isCancelled {
            do {
                return try await registry.settle(
                    function.name,
                    revision: function.revisionID,
                    startFailure: failure
                )
            } catch {
                runner.logger.error(
                    "function not settled",
                    metadata: ["function": "\(function.name)", "error": "\(error)"]
                )
                try? await runner.clock.sleep(for: .seconds(1))
            }
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
