package import EmbeddedLog
import Foundation
import KinesisWire
package import Logging
package import NIOCore
package import StreamCore

/// The Kinesis API on the embedded log, without anything of HTTP.
package struct KinesisService: Sendable {
    let log: EmbeddedLog
    let names: ResourceNames
    let logger: Logger
    let now: @Sendable () -> Timestamp
    let clock: any Clock<Duration>
    let subscriptions: Subscriptions

    /// - Parameters:
    ///   - now: Dates iterators and tokens; the wall clock of the log, so that both agree.
    ///   - clock: Measures how long subscriptions last.
    package init(
        log: EmbeddedLog,
        names: ResourceNames = ResourceNames(),
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp = LogOptions().wallClock,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.log = log
        self.names = names
        self.logger = logger
        self.now = now
        self.clock = clock
        subscriptions = Subscriptions(clock: clock)
    }

    /// Carries out one operation.
    ///
    /// - Parameters:
    ///   - operation: Its name in the service model, such as `PutRecords`.
    ///   - body: The request, in `format`, as the answer will be.
    package func handle(
        _ operation: String,
        body: ByteBuffer,
        format: WireFormat = .json
    ) async -> KinesisAnswer {
        do {
            guard let known = KinesisOperation(rawValue: operation) else {
                throw KinesisError(.unknownOperation, "\(operation) is not supported by this version.")
            }
            return try await KinesisAnswer(body: answer(known, body: body, format))
        } catch {
            return KinesisAnswer(translate(error, of: operation), format)
        }
    }

    private func answer(
        _ operation: KinesisOperation,
        body: ByteBuffer,
        _ format: WireFormat
    ) async throws -> ByteBuffer? {
        switch operation {
        case .putRecords: return try await putRecords(body, format)
        case .putRecord: return try await putRecord(body, format)
        case .getRecords: return try await getRecords(body, format)
        default: break
        }
        let answer = try await control(operation, body: format.json(from: body))
        return try answer.map { try format.answer(fromJSON: $0) }
    }

    private func control(_ operation: KinesisOperation, body: Data) async throws -> Data? {
        switch operation {
        case .addTagsToStream: try addTagsToStream(body)
        case .createStream: try createStream(body)
        case .decreaseStreamRetentionPeriod: try changeRetention(body, isIncrease: false)
        case .deleteStream: try deleteStream(body)
        case .deregisterStreamConsumer: try deregisterStreamConsumer(body)
        case .describeLimits: try describeLimits()
        case .describeStream: try describeStream(body)
        case .describeStreamConsumer: try describeStreamConsumer(body)
        case .describeStreamSummary: try describeStreamSummary(body)
        case .getShardIterator: try getShardIterator(body)
        case .increaseStreamRetentionPeriod: try changeRetention(body, isIncrease: true)
        case .listShards: try listShards(body)
        case .listStreamConsumers: try listStreamConsumers(body)
        case .listStreams: try listStreams(body)
        case .listTagsForResource: try listTagsForResource(body)
        case .listTagsForStream: try listTagsForStream(body)
        case .mergeShards: try await mergeShards(body)
        case .registerStreamConsumer: try registerStreamConsumer(body)
        case .removeTagsFromStream: try removeTagsFromStream(body)
        case .splitShard: try await splitShard(body)
        case .tagResource: try tagResource(body)
        case .untagResource: try untagResource(body)
        case .updateShardCount: try await updateShardCount(body)
        case .getRecords, .putRecord, .putRecords, .subscribeToShard:
            preconditionFailure("records and events do not pass through the control codec")
        }
    }

    func translate(_ error: any Error, of operation: String) -> KinesisError {
        switch error {
        case let error as KinesisError: return error
        case let error as StreamNotFound: return notFound(error.stream.text)
        case let error as ShardNotFound: return shardNotFound(error.shard.text, in: error.stream)
        default:
            logger.error(
                "request failed",
                metadata: ["operation": "\(operation)", "error": "\(error)"]
            )
            return KinesisError(.internalFailure, "\(error)")
        }
    }

    func notFound(_ stream: String) -> KinesisError {
        KinesisError(.resourceNotFound, "Stream \(stream) under account \(names.account) not found.")
    }
}

/// What the API answers to one request.
package struct KinesisAnswer: Sendable {
    package let status: Int
    /// In the format of the request; empty for operations that answer nothing.
    package let body: ByteBuffer
    package let errorType: String?

    init(body: ByteBuffer?) {
        status = 200
        self.body = body ?? ByteBuffer()
        errorType = nil
    }

    init(_ error: KinesisError, _ format: WireFormat) {
        status = error.status
        errorType = error.kind.rawValue
        let fields = ["__type": error.kind.rawValue, "message": error.message]
        let json = (try? JSONEncoder().encode(fields)) ?? Data()
        body = (try? format.answer(fromJSON: json)) ?? ByteBuffer()
    }
}
