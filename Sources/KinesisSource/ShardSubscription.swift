import AWSClient
import KinesisWire
import Logging
import StreamCore
import Synchronization

/// The events of one shard: subscribes to it, and again whenever a subscription ends.
///
/// Used by one task at a time.
final class ShardSubscription: Sendable {
    private struct Place {
        var position: Position
        var stream: HTTPStream?
        var decoder = EventStreamDecoder()
        /// Subscriptions that ended with an error, one after the other.
        var failures = 0
    }

    private let shard: ShardID
    private let consumer: FanOutConsumer
    private let calls: KinesisCalls
    private let service: AWSService
    private let limits: HTTPClient.Limits
    private let logger: Logger
    private let place: Mutex<Place>

    init(
        shard: ShardID,
        from position: Position,
        consumer: FanOutConsumer,
        calls: KinesisCalls,
        service: AWSService,
        limits: HTTPClient.Limits,
        logger: Logger
    ) {
        self.shard = shard
        self.consumer = consumer
        self.calls = calls
        self.service = service
        self.limits = limits
        self.logger = logger
        place = Mutex(Place(position: position))
    }

    /// Returns once the shard is subscribed to: the place that `LATEST` names is that of now.
    func open() async throws {
        while true {
            do { return try await subscribe() } catch let error where !(error is CancellationError) {
                try await recover(from: error)
            }
        }
    }

    /// The next event; the shard has ended when it names child shards.
    func next() async throws -> ReceivedRecords {
        while true {
            do {
                if place.withLock({ $0.stream }) == nil { try await subscribe() }
                if let event = try await nextEvent() { return event }
                // The five minutes are over: the next subscription goes on where this one ended.
                place.withLock { $0.stream = nil }
            } catch let error where !(error is CancellationError) {
                try await recover(from: error)
            }
        }
    }

    private func recover(from error: any Error) async throws {
        let failures = place.withLock { place in
            place.stream = nil
            place.failures += 1
            return place.failures
        }
        if error is KinesisFailure || error is StreamNotFound || error is ShardNotFound { throw error }
        logger.debug(
            "subscription ended",
            metadata: ["stream": "\(calls.stream)", "shard": "\(shard)", "error": "\(error)"]
        )
        if Remedy(error) == .lookAround { await consumer.forget() }
        try await calls.pause(after: error, failures: failures, in: "SubscribeToShard", shard: shard)
    }

    private func subscribe() async throws {
        let arn = try await consumer.arn()
        let position = place.withLock(\.position)
        // The position is an object of its own.
        var request = calls.request(
            "SubscribeToShard",
            [("ConsumerARN", .text(arn)), ("ShardId", .text(shard.text))]
        )
        let start = calls.request(
            "",
            KinesisCalls.fields(of: position, type: "Type", number: "SequenceNumber")
        )
        request.body =
            request.body.dropLast() + Array(",\"StartingPosition\":".utf8) + start.body + Array("}".utf8)
        request.version = .http2
        let stream = try await service.stream(request, limits: limits)
        guard (200..<300).contains(stream.head.status) else { throw AWSError(stream.head) }
        place.withLock { place in
            place.stream = stream
            place.decoder = EventStreamDecoder()
            // Another subscription at the tip would skip what has come since.
            if position == .latest { place.position = .atTimestamp(stream.head.time) }
        }
        try await awaitInitialResponse()
    }

    private func awaitInitialResponse() async throws {
        guard let message = try await nextMessage() else {
            throw HTTPFailure.failed(
                url: service.endpoint.url,
                reason: "the subscription ended before it began"
            )
        }
        guard message.event == "initial-response" else {
            throw UnreadableAnswer("a subscription begins with \(message.event ?? "a message without name")")
        }
    }

    private func nextEvent() async throws -> ReceivedRecords? {
        while let message = try await nextMessage() {
            guard message.event == "SubscribeToShardEvent" else { continue }
            let received = try message.payload.withUnsafeBytes { try ReceivedRecords(json: $0) }
            place.withLock { place in
                place.failures = 0
                let last = received.continuation ?? received.batch.last?.sequenceNumber
                if let last { place.position = .afterSequenceNumber(last) }
            }
            return received
        }
        return nil
    }

    /// - Returns: `nil` at the end of the subscription.
    private func nextMessage() async throws -> EventStreamMessage? {
        while true {
            if let message = try place.withLock({ try $0.decoder.next() }) {
                guard message.kind == "exception" || message.kind == "error" else { return message }
                throw AWSError(
                    ClientResponse(
                        status: message.exception == "InternalFailureException" ? 500 : 400,
                        headers: message.exception.map { ["x-amzn-errortype": $0] } ?? [:],
                        body: message.payload
                    )
                )
            }
            guard let stream = place.withLock(\.stream), let bytes = try await stream.next() else {
                try place.withLock { try $0.decoder.finish() }
                return nil
            }
            place.withLock { $0.decoder.append(bytes) }
        }
    }
}
