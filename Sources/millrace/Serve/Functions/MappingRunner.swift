import ByteCoding
import Coordination
import EmbeddedLog
import Foundation
import HandlerProcess
import HandlerWire
import Logging
import SQLiteStore
import StreamCore

/// Runs one event source mapping: a worker for it whenever its stream exists.
struct MappingRunner: Sendable {
    let log: EmbeddedLog
    let registry: FunctionRegistry
    let leases: any LeaseStore
    let worker: WorkerID
    let deployments: Deployments
    let names: ResourceNames
    let statuses: ShardStatuses
    let running: RunningMappings
    let clock: any Clock<Duration>
    let logger: Logger

    /// Returns when `drain` was requested and every batch in flight has ended.
    ///
    /// - Parameter ready: Called once the shards of the stream have their leases, so that `LATEST` is settled.
    func run(
        _ mapping: EventSourceMapping,
        until drain: DrainSignal,
        ready: @escaping @Sendable () -> Void
    ) async throws {
        var logger = logger
        logger[metadataKey: "function"] = "\(mapping.function)"
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
                let worker = try makeWorker(for: mapping, on: stream, ready: ready, logger)
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
        ready: @escaping @Sendable () -> Void,
        _ logger: Logger
    ) throws(InvalidMapping) -> Worker {
        try Worker(
            mapping: mapping,
            ownership: LeaseOwnership(
                mapping: mapping,
                worker: worker,
                source: stream,
                store: leases,
                clock: clock,
                synced: ready,
                logger: logger
            ),
            source: stream,
            transport: DeployedFunction(
                name: mapping.function,
                qualifier: mapping.qualifier,
                deployments: deployments
            ),
            names: names,
            statuses: statuses,
            clock: clock,
            now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            encodeEvent: { [names] in names.event(of: $0) },
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

extension ResourceNames {
    /// The JSON event of an invocation, as a Lambda function is handed it.
    fileprivate func event(of invocation: Invocation) -> [UInt8] {
        let event = LambdaEventWriter(
            streamARN: invocation.context.streamARN,
            shard: invocation.context.shard,
            region: region,
            invokeIdentityARN: "arn:aws:iam::\(account):role/millrace"
        )
        var writer = ByteWriter(capacity: 1024)
        event.write(invocation.records, window: invocation.window, to: &writer)
        return writer.bytes
    }
}
