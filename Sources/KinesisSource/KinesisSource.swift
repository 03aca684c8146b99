package import AWSClient
import KinesisWire
package import Logging
package import StreamCore

/// A stream behind any endpoint that speaks the Kinesis API: Amazon's, Millrace's own, or a stand-in's.
package struct KinesisSource: LogSource {
    /// What one call may take: an answer of GetRecords has up to 10 MiB of payloads, in base64.
    package static let callLimits = HTTPClient.Limits(
        time: .seconds(30),
        responseBytes: 64 << 20,
        connecting: .seconds(5),
        silence: .seconds(10)
    )
    /// What one subscription may take: it lasts five minutes; the service sends something at least every few seconds.
    package static let subscriptionLimits = HTTPClient.Limits(
        time: .seconds(360),
        responseBytes: 1 << 20,
        connecting: .seconds(5),
        silence: .seconds(35)
    )

    package let stream: StreamName
    private let settings: KinesisEndpointSettings
    private let calls: KinesisCalls
    private let consumer: FanOutConsumer?
    private let subscriptionLimits: HTTPClient.Limits
    private let listing: ShardListing
    private let crowd = ReaderCrowd()
    private let clock: any Clock<Duration>
    private let logger: Logger

    /// - Parameters:
    ///   - credentials: Requests go without a signature when there are none.
    ///   - fanOut: The name of a consumer: records are then pushed to it, and it is registered if it is not yet.
    ///   - jitter: Of each back-off, 0 to 1.
    package init(
        _ stream: StreamName,
        at settings: KinesisEndpointSettings,
        credentials: (any AWSCredentialProvider)?,
        fanOut consumer: String? = nil,
        http: HTTPClient = HTTPClient(limits: KinesisSource.callLimits),
        subscriptionLimits: HTTPClient.Limits = KinesisSource.subscriptionLimits,
        clock: any Clock<Duration> = ContinuousClock(),
        jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) },
        logger: Logger
    ) {
        self.stream = stream
        self.settings = settings
        self.subscriptionLimits = subscriptionLimits
        self.clock = clock
        self.logger = logger
        let service = AWSService(
            "kinesis",
            region: settings.region,
            endpoint: settings.endpoint,
            credentials: credentials,
            http: http
        )
        let calls = KinesisCalls(stream: stream, service: service, clock: clock, jitter: jitter)
        self.calls = calls
        self.consumer = consumer.map { FanOutConsumer(name: $0, calls: calls, clock: clock) }
        listing = ShardListing(calls: calls, clock: clock)
    }

    package func shards() async throws -> [Shard] { try await calls.shards() }

    package func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        if let consumer {
            let subscription = ShardSubscription(
                shard: shard,
                from: position,
                consumer: consumer,
                calls: calls,
                service: calls.service,
                limits: subscriptionLimits,
                logger: logger
            )
            try await subscription.open()
            return PushedShardReader(subscription, clock: clock)
        }
        let poller = ShardPoller(
            shard: shard,
            from: position,
            calls: calls,
            pacing: settings.pacing,
            // Amazon ends a shard by itself; not every stand-in does.
            listing: settings.pacing.bytesPerSecond == nil ? listing : nil,
            clock: clock
        )
        try await poller.open()
        return PollingShardReader(poller, pacing: settings.pacing, crowd: crowd, clock: clock)
    }
}

// MARK: - LATEST

extension KinesisSource {
    /// How far the times of records may differ from those of answers.
    private static let clockSkewMilliseconds: Int64 = 5_000
    /// Reads that look for the newest record; each brings up to 10 MiB.
    private static let maximumPinReads = 100

    /// `LATEST` becomes the number of the newest record, or the time when there is none of late.
    ///
    /// The API has no number for the tip of a shard. What arrived in the seconds before the question is read: its last
    /// record is the newest. Without one, no record at all lies between the time asked about and the tip, so that the time
    /// names the same place.
    package func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        guard start == .latest else { return .start(start) }
        let asked = try await calls.iterator(of: shard, at: .latest).time
        let since = asked.advanced(byMilliseconds: -Self.clockSkewMilliseconds)
        let poller = ShardPoller(
            shard: shard,
            from: .atTimestamp(since),
            calls: calls,
            pacing: settings.pacing,
            listing: nil,
            clock: clock
        )
        var newest: SequenceNumber?
        for _ in 0..<Self.maximumPinReads {
            let received = try await poller.fetch()
            newest = received.batch.last?.sequenceNumber ?? newest
            let isAhead =
                received.batch.last.map { $0.arrival > asked.advanced(byMilliseconds: 2_000) } ?? false
            if received.millisBehindLatest == 0 || received.nextShardIterator == nil || isAhead { break }
        }
        return newest.map(Checkpoint.at) ?? .start(.atTimestamp(since))
    }
}
