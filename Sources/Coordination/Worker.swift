package import Delivery
import Foundation
package import Logging
package import StreamCore

/// Runs one event source mapping on this host: a consumer for every shard it owns.
package struct Worker: Sendable {
    package let mapping: EventSourceMapping
    package let ownership: any ShardOwnership
    package let source: any LogSource
    package let transport: any HandlerTransport
    package let names: ResourceNames
    package let statuses: ShardStatuses
    package let retry: RetryPolicy
    package let clock: any Clock<Duration>
    package let logger: Logger

    package init(
        mapping: EventSourceMapping,
        ownership: any ShardOwnership,
        source: any LogSource,
        transport: any HandlerTransport,
        names: ResourceNames,
        statuses: ShardStatuses,
        retry: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.mapping = mapping
        self.ownership = ownership
        self.source = source
        self.transport = transport
        self.names = names
        self.statuses = statuses
        self.retry = retry
        self.clock = clock
        self.logger = logger
    }

    /// Runs until `drain` is requested and every batch in flight has ended.
    package func run(until drain: DrainSignal) async throws {
        try await ownership.run(until: drain) { claim in
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
        let streamARN = names.stream(mapping.source.stream)
        let functionARN = names.function(mapping.function)
        let delivery = Delivery(
            transport: transport,
            retry: retry,
            clock: clock,
            status: status,
            logger: logger
        ) {
            InvocationContext(
                requestID: UUID().uuidString.lowercased(),
                streamARN: streamARN,
                shard: claim.shard,
                functionARN: functionARN
            )
        }
        return ShardConsumer(
            claim: claim,
            source: source,
            limits: BatchLimits(mapping.source),
            delivery: delivery,
            status: status,
            clock: clock,
            logger: logger
        )
    }
}
