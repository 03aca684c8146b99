import Coordination
import EmbeddedLog
import HandlerProcess
import Logging
import SQLiteStore
import StreamCore

/// Runs one function: its processes, and a worker for each of its enabled mappings.
struct FunctionRunner: Sendable {
    let log: EmbeddedLog
    let registry: FunctionRegistry
    let leases: any LeaseStore
    let worker: WorkerID
    let handlers: HandlerSettings
    let names: ResourceNames
    let statuses: ShardStatuses
    let running: RunningFunctions
    let clock: any Clock<Duration>
    let logger: Logger

    /// Returns when `drain` was requested, every batch in flight has ended and every process is gone.
    func run(_ function: RegisteredFunction, until drain: DrainSignal) async throws {
        var logger = logger
        logger[metadataKey: "function"] = "\(function.definition.name)"
        let pool = HandlerPool(function: function.definition, settings: handlers)
        running.set(pool, of: function.definition.name)

        await withDiscardingTaskGroup { group in
            for mapping in function.mappings where mapping.source.isEnabled {
                group.addTask { [logger] in await run(mapping, on: pool, until: drain, logger) }
            }
            try? await drain.wait()
        }

        running.set(nil, of: function.definition.name)
        await pool.shutDown(within: function.definition.timeout)
    }

    /// Works on a mapping whenever its stream exists.
    private func run(
        _ mapping: EventSourceMapping,
        on pool: HandlerPool,
        until drain: DrainSignal,
        _ logger: Logger
    ) async {
        let name = mapping.source.stream
        defer { running.note(nil, of: mapping.id) }
        while !drain.isRequested, !Task.isCancelled {
            do {
                running.note("waiting for stream \(name) to be created", of: mapping.id)
                guard let stream = try await drain.interruptible({ try await log.existingStream(name) })
                else { return }
                running.note("enabled", of: mapping.id)
                // Checkpoints of a deleted stream of the same name say nothing about this one.
                try await registry.bind(mapping.id, toIncarnation: String(stream.incarnation))
                let worker = makeWorker(for: mapping, on: stream, pool, logger)
                try await untilDeleted(stream, drain) { end in try await worker.run(until: end) }
                if stream.deletion.isRequested { statuses.remove(mapping.id) }
            } catch {
                logger.error("mapping stopped", metadata: ["mapping": "\(mapping.id)", "error": "\(error)"])
                running.note("stopped: \(error)", of: mapping.id)
                let pause: Void? = try? await drain.interruptible { try await clock.sleep(for: .seconds(1)) }
                if pause == nil { return }
            }
        }
    }

    private func makeWorker(
        for mapping: EventSourceMapping,
        on stream: EmbeddedStream,
        _ pool: HandlerPool,
        _ logger: Logger
    ) -> Worker {
        Worker(
            mapping: mapping,
            ownership: LeaseOwnership(
                mapping: mapping,
                worker: worker,
                source: stream,
                store: leases,
                clock: clock,
                logger: logger
            ),
            source: stream,
            transport: pool,
            names: names,
            statuses: statuses,
            clock: clock,
            logger: logger
        )
    }

    /// Runs `body` with a signal for whichever comes first: draining, or the stream's deletion.
    private func untilDeleted(
        _ stream: EmbeddedStream,
        _ drain: DrainSignal,
        _ body: (DrainSignal) async throws -> Void
    ) async throws {
        let end = DrainSignal()
        let drained = drain.onRequest { end.request() }
        let deleted = stream.deletion.onRequest { end.request() }
        defer {
            drain.forget(drained)
            stream.deletion.forget(deleted)
        }
        try await body(end)
    }
}
