import EmbeddedLog
import Foundation
import KinesisWire
import StreamCore

extension KinesisService {
    /// Consumers of one stream.
    private static let maximumConsumers = 20

    /// How a request names a consumer: by its ARN, or by its stream's and its own name.
    private struct ConsumerRequest: Decodable {
        let streamARN: String?
        let consumerName: String?
        let consumerARN: String?
        let tags: [String: String]?
    }

    private struct ConsumerSummary: Encodable {
        let consumerName: String
        let consumerARN: String
        let consumerStatus: String
        /// Seconds since 1970.
        let consumerCreationTimestamp: Double
        let streamARN: String?
    }

    func registerStreamConsumer(_ body: Data) throws -> Data? {
        struct Answer: Encodable { let consumer: ConsumerSummary }
        let request = try ControlCodec.decode(ConsumerRequest.self, from: body)
        var checks = RequestChecks()
        checks.require(request.streamARN, at: "streamARN")
        checks.require(request.consumerName, at: "consumerName")
        checks.name(request.consumerName, at: "consumerName")
        try checks.finish()
        guard request.tags?.isEmpty ?? true else {
            throw KinesisError(.invalidArgument, "Tags of consumers are not supported by this version.")
        }
        let stream = try log.stream(streamName(arn: request.streamARN ?? "", at: "streamARN"))
        let consumer = StreamConsumer(name: request.consumerName ?? "", created: now())
        try stream.changeConsumers { consumers in
            guard !consumers.contains(where: { $0.name == consumer.name }) else {
                throw KinesisError(
                    .resourceInUse,
                    "Consumer \(consumer.name) under stream \(stream.name) already exists."
                )
            }
            guard consumers.count < Self.maximumConsumers else {
                throw KinesisError(
                    .limitExceeded,
                    "Stream \(stream.name) has \(Self.maximumConsumers) consumers, as many as it may have."
                )
            }
            consumers.append(consumer)
        }
        // It is active by the time that anybody asks.
        return try ControlCodec.encode(
            Answer(consumer: summary(of: consumer, in: stream, status: "CREATING"))
        )
    }

    func deregisterStreamConsumer(_ body: Data) throws -> Data? {
        let request = try ControlCodec.decode(ConsumerRequest.self, from: body)
        let (stream, consumer) = try consumer(request)
        try stream.changeConsumers { consumers in consumers.removeAll { $0 == consumer } }
        subscriptions.endAll(of: arn(of: consumer, in: stream))
        return nil
    }

    func describeStreamConsumer(_ body: Data) throws -> Data? {
        struct Answer: Encodable { let consumerDescription: ConsumerSummary }
        let request = try ControlCodec.decode(ConsumerRequest.self, from: body)
        let (stream, consumer) = try consumer(request)
        return try ControlCodec.encode(
            Answer(
                consumerDescription: summary(
                    of: consumer,
                    in: stream,
                    status: "ACTIVE",
                    streamARN: names.stream(stream.name)
                )
            )
        )
    }

    func listStreamConsumers(_ body: Data) throws -> Data? {
        struct Request: Decodable {
            let streamARN: String?
            let nextToken: String?
            let maxResults: Int?
            let streamCreationTimestamp: Double?
        }
        struct Answer: Encodable {
            let consumers: [ConsumerSummary]
            let nextToken: String?
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.require(request.streamARN, at: "streamARN")
        checks.number(request.maxResults, at: "maxResults", in: 1...10_000)
        try checks.finish()
        let stream = try log.stream(streamName(arn: request.streamARN ?? "", at: "streamARN"))
        let after = try request.nextToken.map { try PageToken<String>(text: $0, now: now()).place }
        let following = stream.consumers.drop { consumer in after.map { consumer.name <= $0 } ?? false }
        let page = following.prefix(request.maxResults ?? 100)
        let hasMore = page.count < following.count
        return try ControlCodec.encode(
            Answer(
                consumers: page.map { summary(of: $0, in: stream, status: "ACTIVE") },
                nextToken: hasMore ? page.last.map { try PageToken($0.name, issued: now()).text } : nil
            )
        )
    }

    private func consumer(_ request: ConsumerRequest) throws -> (EmbeddedStream, StreamConsumer) {
        if let arn = request.consumerARN { return try consumer(arn: arn) }
        guard let streamARN = request.streamARN, let name = request.consumerName else {
            throw KinesisError(
                .invalidArgument,
                "Either ConsumerARN, or StreamARN and ConsumerName must be specified."
            )
        }
        let stream = try log.stream(streamName(arn: streamARN, at: "streamARN"))
        guard let consumer = stream.consumers.first(where: { $0.name == name }) else {
            throw consumerNotFound(name, in: stream.name)
        }
        return (stream, consumer)
    }

    /// The stream and the consumer that an ARN names.
    func consumer(arn text: String) throws -> (EmbeddedStream, StreamConsumer) {
        guard let arn = ConsumerARN(text) else {
            let pattern =
                #"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+"#
            throw KinesisError.validation([Violation(text, at: "consumerARN", .pattern(pattern))])
        }
        let stream = try log.stream(streamName(arn: arn.stream, at: "consumerARN"))
        let consumer = stream.consumers.first { $0.name == arn.name }
        guard let consumer, ConsumerARN(stream: arn.stream, consumer) == arn else {
            throw consumerNotFound(text, in: stream.name)
        }
        return (stream, consumer)
    }

    private func consumerNotFound(_ consumer: String, in stream: StreamName) -> KinesisError {
        KinesisError(
            .resourceNotFound,
            "Consumer \(consumer) of stream \(stream) under account \(names.account) not found."
        )
    }

    func arn(of consumer: StreamConsumer, in stream: EmbeddedStream) -> String {
        ConsumerARN(stream: names.stream(stream.name), consumer).text
    }

    private func summary(
        of consumer: StreamConsumer,
        in stream: EmbeddedStream,
        status: String,
        streamARN: String? = nil
    ) -> ConsumerSummary {
        ConsumerSummary(
            consumerName: consumer.name,
            consumerARN: arn(of: consumer, in: stream),
            consumerStatus: status,
            consumerCreationTimestamp: consumer.created.seconds,
            streamARN: streamARN
        )
    }
}
