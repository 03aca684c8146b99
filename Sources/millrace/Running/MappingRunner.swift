import ByteCoding
import Coordination
import Foundation
import HandlerProcess
import HandlerWire
import KinesisSource
import Logging
import SQLiteStore
import StreamCore

/// Runs one event source mapping: a worker for it whenever its stream exists.
struct MappingRunner: Sendable {
    let streams: any StreamDirectory
    /// A mapping under the name that its leases are kept by.
    var identify: @Sendable (EventSourceMapping) -> EventSourceMapping = { $0 }
    let registry: FunctionRegistry
    let leases: any LeaseStore
    /// This worker among the others.
    let roster: WorkerRoster
    let rules: LeasePlan.Rules
    /// Who decides which worker has which lease.
    var planning: @Sendable () async throws -> LeasePlanning = { .own }
    let deployments: Deployments
    let names: ResourceNames
    let statuses: ShardStatuses
    let views: LeaseViews
    let running: RunningMappings
    let clock: any Clock<Duration>
    let logger: Logger

    var worker: WorkerID { roster.worker }

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
        let logPace = LogPace(clock: clock)
        defer { running.note(nil, of: mapping.id) }
        while !drain.isRequested, !Task.isCancelled {
            do {
                running.note("waiting for stream \(name) to be created", of: mapping.id)
                let found = try await drain.interruptible { try await streams.existingStream(of: mapping) }
                guard let stream = found else { return }
                running.note("enabled", of: mapping.id)
                // Checkpoints of a deleted stream of the same name say nothing about this one.
                if let incarnation = stream.incarnation {
                    try await registry.bind(mapping.id, toIncarnation: incarnation)
                }
                let worker = try makeWorker(for: identify(mapping), on: stream, ready: ready, logger)
                let end = try await untilEnded(stream, drain) { end in try await worker.run(until: end) }
                if case .deleted = end { statuses.remove(identify(mapping).id) }
            } catch {
                logger.log(
                    level: logPace.level(.error),
                    "mapping stopped and is tried again",
                    metadata: ["mapping": "\(mapping.id)", "error": "\(error)"]
                )
                running.note("stopped: \(error)", of: mapping.id)
                let pause: Void? = try? await drain.interruptible { try await clock.sleep(for: .seconds(1)) }
                if pause == nil { return }
            }
        }
    }

    private func makeWorker(
        for mapping: EventSourceMapping,
        on stream: FoundStream,
        ready: @escaping @Sendable () -> Void,
        _ logger: Logger
    ) throws(InvalidMapping) -> Worker {
        try Worker(
            mapping: mapping,
            ownership: LeaseOwnership(
                mapping: mapping,
                worker: roster.worker,
                source: stream.source,
                store: leases,
                roster: roster,
                rules: rules,
                planning: planning,
                statuses: statuses,
                views: views,
                clock: clock,
                wake: stream.shardsChanged,
                synced: ready,
                logger: logger
            ),
            source: mapping.source.deaggregates
                ? DeaggregatingSource(stream.source, logger: logger) : stream.source,
            transport: DeployedFunction(
                name: mapping.function,
                qualifier: mapping.qualifier,
                deployments: deployments
            ),
            names: names,
            streamARN: stream.arn,
            statuses: statuses,
            clock: clock,
            now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            encodeEvent: { [names] in names.event(of: $0) },
            logger: logger
        )
    }

    /// Runs `body` with a signal for whichever comes first: draining, or the end of what was found.
    ///
    /// - Returns: How the stream ended; `nil` when it is there.
    private func untilEnded(
        _ stream: FoundStream,
        _ drain: DrainSignal,
        _ body: (DrainSignal) async throws -> Void
    ) async throws -> FoundStream.End? {
        let end = DrainSignal()
        let drained = drain.onRequest { end.request() }
        defer { drain.forget(drained) }
        return try await withThrowingTaskGroup(of: FoundStream.End?.self) { group in
            group.addTask {
                defer { end.request() }
                do { return try await stream.ended() } catch is CancellationError { return nil }
            }
            do { try await body(end) } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
            return try await group.next() ?? nil
        }
    }
}

extension ResourceNames {
    /// The JSON event of an invocation, as a Lambda function is handed it.
    fileprivate func event(of invocation: Invocation) -> [UInt8] {
        let event = LambdaEventWriter(
            streamARN: invocation.context.streamARN,
            shard: invocation.context.shard,
            region: region,
            invokeIdentityARN: role("millrace")
        )
        var writer = ByteWriter(capacity: 1024)
        event.write(invocation.records, window: invocation.window, to: &writer)
        return writer.bytes
    }
}
