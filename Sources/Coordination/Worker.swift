package import Delivery
import Foundation
package import Logging
package import StreamCore

/// Runs one event source mapping on this host: a consumer for every shard it owns.
package final class Worker: Sendable {
    package let mapping: EventSourceMapping
    package let ownership: any ShardOwnership
    package let source: any LogSource
    package let transport: any HandlerTransport
    package let names: ResourceNames
    /// The stream's ARN as its service has it.
    package let streamARN: String
    package let statuses: ShardStatuses
    package let retry: RetryPolicy
    package let clock: any Clock<Duration>
    /// The wall clock, by which records and windows age.
    package let now: @Sendable () -> Timestamp
    /// The event of an invocation as JSON, for failures.
    package let encodeEvent: @Sendable (Invocation) -> [UInt8]
    package let logger: Logger
    private let filter: RecordFilter?
    private let logPace: LogPace

    /// - Parameter streamARN: `nil` for that of `names`.
    /// - Throws: `InvalidMapping` when what is stored of the mapping cannot be carried out.
    package init(
        mapping: EventSourceMapping,
        ownership: any ShardOwnership,
        source: any LogSource,
        transport: any HandlerTransport,
        names: ResourceNames,
        streamARN: String? = nil,
        statuses: ShardStatuses,
        retry: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp,
        encodeEvent: @escaping @Sendable (Invocation) -> [UInt8],
        logger: Logger
    ) throws(InvalidMapping) {
        self.mapping = mapping
        self.ownership = ownership
        self.source = source
        self.transport = transport
        self.names = names
        self.streamARN = streamARN ?? names.stream(mapping.source.stream)
        self.statuses = statuses
        self.retry = retry
        self.clock = clock
        self.now = now
        self.encodeEvent = encodeEvent
        self.logger = logger
        logPace = LogPace(clock: clock)
        let patterns = mapping.source.filterPatterns
        do throws(InvalidFilter) {
            filter = patterns.isEmpty ? nil : try RecordFilter(patterns: patterns)
        } catch {
            throw InvalidMapping(mapping: mapping.id, reason: "\(error)")
        }
        if mapping.source.parallelizationFactor > 1, mapping.source.tumblingWindowSeconds > 0 {
            throw InvalidMapping(
                mapping: mapping.id,
                reason:
                    "a tumbling window needs a ParallelizationFactor of 1, as its state belongs to one lane"
            )
        }
    }

    /// Runs until `drain` is requested and every batch in flight has ended.
    package func run(until drain: DrainSignal) async throws {
        try await ownership.run(until: drain) { [self] claim in
            try await makeConsumer(for: claim).run()
        }
    }

    private func makeConsumer(for claim: ShardClaim) -> ShardConsumer {
        var logger = logger
        logger[metadataKey: "shard"] = "\(claim.shard)"
        let status = statuses.status(
            of: LeaseKey(mapping: mapping.id, shard: claim.shard),
            from: claim.start
        )
        return ShardConsumer(
            claim: claim,
            feed: ShardFeed(
                claim: claim,
                source: source,
                filter: filter,
                retry: retry,
                status: status,
                logPace: logPace,
                clock: clock,
                logger: logger
            ),
            limits: BatchLimits(mapping.source),
            laneCount: mapping.source.parallelizationFactor,
            tumbling: mapping.source.tumblingWindowSeconds > 0
                ? TumblingWindow(seconds: mapping.source.tumblingWindowSeconds) : nil,
            status: status,
            clock: clock,
            now: now,
            logger: logger
        ) { [self, logger, function = makeFunction(of: claim.shard), limits = RetryLimits(mapping.source)] in
            Delivery(
                function: function,
                limits: limits,
                retry: retry,
                clock: clock,
                now: now,
                ledger: $0,
                lane: $1,
                status: status,
                logger: logger
            )
        }
    }

    private func makeFunction(of shard: ShardID) -> InvokedFunction {
        let functionARN = names.function(mapping.function, mapping.qualifier)
        let makeID = { @Sendable in UUID().uuidString.lowercased() }
        return InvokedFunction(
            transport: transport,
            mapping: mapping.id,
            failureTarget: mapping.source.onFailure,
            reportsFailures: mapping.source.reportsBatchItemFailures,
            makeContext: { [streamARN] in
                InvocationContext(
                    requestID: makeID(),
                    streamARN: streamARN,
                    shard: shard,
                    functionARN: functionARN
                )
            },
            makeID: makeID,
            encodeEvent: encodeEvent
        )
    }
}

/// A mapping whose options, as they are stored, cannot be carried out; it stops until they are changed.
package struct InvalidMapping: Error, Hashable, CustomStringConvertible {
    package let mapping: MappingID
    package let reason: String

    package init(mapping: MappingID, reason: String) {
        self.mapping = mapping
        self.reason = reason
    }

    package var description: String { "mapping \(mapping) cannot run: \(reason)" }
}
