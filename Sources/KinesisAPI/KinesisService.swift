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

    /// - Parameter now: Dates iterators and tokens; the wall clock of the log, so that both agree.
    package init(
        log: EmbeddedLog,
        names: ResourceNames = ResourceNames(),
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp = LogOptions().wallClock
    ) {
        self.log = log
        self.names = names
        self.logger = logger
        self.now = now
    }

    /// Carries out one operation.
    ///
    /// - Parameters:
    ///   - operation: Its name in the service model, such as `PutRecords`.
    ///   - body: The request's JSON.
    package func handle(_ operation: String, body: ByteBuffer) async -> KinesisAnswer {
        do {
            guard let known = KinesisOperation(rawValue: operation) else {
                throw KinesisError(.unknownOperation, "\(operation) is not supported by this version.")
            }
            return try await KinesisAnswer(body: answer(known, body: body))
        } catch {
            return KinesisAnswer(translate(error, of: operation))
        }
    }

    private func answer(_ operation: KinesisOperation, body: ByteBuffer) async throws -> ByteBuffer? {
        switch operation {
        case .putRecords: return try await putRecords(body)
        case .putRecord: return try await putRecord(body)
        case .getRecords: return try await getRecords(body)
        default: break
        }
        let data = Data(body.readableBytesView)
        return try control(operation, body: data).map { ByteBuffer(bytes: $0) }
    }

    private func control(_ operation: KinesisOperation, body: Data) throws -> Data? {
        switch operation {
        case .addTagsToStream: try addTagsToStream(body)
        case .createStream: try createStream(body)
        case .decreaseStreamRetentionPeriod: try changeRetention(body, isIncrease: false)
        case .deleteStream: try deleteStream(body)
        case .describeLimits: try describeLimits()
        case .describeStream: try describeStream(body)
        case .describeStreamSummary: try describeStreamSummary(body)
        case .getShardIterator: try getShardIterator(body)
        case .increaseStreamRetentionPeriod: try changeRetention(body, isIncrease: true)
        case .listShards: try listShards(body)
        case .listStreams: try listStreams(body)
        case .listTagsForResource: try listTagsForResource(body)
        case .listTagsForStream: try listTagsForStream(body)
        case .removeTagsFromStream: try removeTagsFromStream(body)
        case .tagResource: try tagResource(body)
        case .untagResource: try untagResource(body)
        case .getRecords, .putRecord, .putRecords:
            preconditionFailure("records do not pass through the control codec")
        }
    }

    private func translate(_ error: any Error, of operation: String) -> KinesisError {
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
    /// JSON; empty for operations that answer nothing.
    package let body: ByteBuffer
    package let errorType: String?

    init(body: ByteBuffer?) {
        status = 200
        self.body = body ?? ByteBuffer()
        errorType = nil
    }

    init(_ error: KinesisError) {
        status = error.status
        errorType = error.kind.rawValue
        let fields = ["__type": error.kind.rawValue, "message": error.message]
        body = ByteBuffer(bytes: (try? JSONEncoder().encode(fields)) ?? Data())
    }
}
