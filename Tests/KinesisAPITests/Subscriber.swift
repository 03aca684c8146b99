import EmbeddedLog
import Foundation
import KinesisWire
import Logging
import NIOCore
import StreamCore
import Synchronization
import TestSupport

@testable import KinesisAPI

/// The API on a log in a temporary directory, without HTTP, on a clock that a test advances.
struct SubscriptionHost: Sendable {
    let service: KinesisService
    let log: EmbeddedLog
    let clock: TestClock

    static func with<Result: Sendable>(
        _ body: @escaping @Sendable (SubscriptionHost) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let clock = TestClock()
            var options = LogOptions()
            options.clock = clock
            let log = try EmbeddedLog.open(directory: directory, options: options, logger: logger)
            defer { log.close() }
            let service = KinesisService(log: log, logger: logger, clock: clock)
            return try await body(SubscriptionHost(service: service, log: log, clock: clock))
        }
    }

    /// Makes a stream of one shard and a consumer of it.
    ///
    /// - Returns: The consumer's ARN.
    func makeConsumer(_ stream: String = "s", name: String = "c") async throws -> String {
        try log.createStream(StreamName(stream) ?? "s", shardCount: 1)
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/\(stream)"
        let answer = try await call(
            "RegisterStreamConsumer",
            #"{"StreamARN":"\#(arn)","ConsumerName":"\#(name)"}"#
        )
        return (answer["Consumer"] as? [String: Any])?["ConsumerARN"] as? String ?? ""
    }

    @discardableResult
    func call(_ operation: String, _ body: String) async throws -> [String: Any] {
        let answer = await service.handle(operation, body: ByteBuffer(string: body))
        guard answer.status == 200 else { throw Refused(type: answer.errorType ?? "") }
        guard answer.body.readableBytes > 0 else { return [:] }
        return try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView)) as? [String: Any]
            ?? [:]
    }

    func put(_ payloads: String..., stream: StreamName = "s") async throws {
        var records = NewRecords()
        for payload in payloads {
            records.append(partitionKey: "k", hashKey: 0, payload: payload.utf8)
        }
        _ = try await log.stream(stream).append(records)
    }

    func subscribe(
        _ consumer: String,
        _ position: String = #"{"Type":"TRIM_HORIZON"}"#,
        format: WireFormat = .json
    ) throws -> ShardSubscription {
        let body =
            #"{"ConsumerARN":"\#(consumer)","ShardId":"shardId-000000000000","StartingPosition":\#(position)}"#
        return try service.subscribe(ByteBuffer(string: body), format).get()
    }
}

struct Refused: Error, Equatable {
    let type: String
}

/// A message as a client reads it.
struct PushedMessage: Sendable {
    let name: String
    let isException: Bool
    let payloads: [String]
    let continuation: String?
    let childShards: [String]

    init(_ buffer: ByteBuffer) throws {
        var buffer = buffer
        let headersBytes = Int(buffer.getInteger(at: 4, as: UInt32.self) ?? 0)
        buffer.moveReaderIndex(forwardBy: 12)
        var headers: [String: String] = [:]
        guard var rest = buffer.readSlice(length: headersBytes) else { throw Refused(type: "headers") }
        while let length = rest.readInteger(as: UInt8.self) {
            let name = rest.readString(length: Int(length)) ?? ""
            rest.moveReaderIndex(forwardBy: 1)
            let count = rest.readInteger(as: UInt16.self) ?? 0
            headers[name] = rest.readString(length: Int(count))
        }
        let payload = buffer.readString(length: buffer.readableBytes - 4) ?? ""
        name = headers[":event-type"] ?? headers[":exception-type"] ?? ""
        isException = headers[":message-type"] == "exception"
        let fields = try JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any] ?? [:]
        payloads = (fields["Records"] as? [[String: Any]] ?? []).map { record in
            String(decoding: Data(base64Encoded: record["Data"] as? String ?? "") ?? Data(), as: UTF8.self)
        }
        continuation = fields["ContinuationSequenceNumber"] as? String
        childShards = (fields["ChildShards"] as? [[String: Any]] ?? []).compactMap {
            $0["ShardId"] as? String
        }
    }
}

/// Reads what a subscription pushes, one message when it is asked for.
enum Subscriber {

    /// Runs a subscription while `body` reads from it.
    static func reading(
        _ subscription: ShardSubscription,
        _ body: @escaping @Sendable (inout AsyncStream<PushedMessage>.Iterator) async throws -> Void
    ) async throws {
        let (messages, continuation) = AsyncStream.makeStream(of: PushedMessage.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await subscription.run { continuation.yield(try PushedMessage($0)) }
            }
            var iterator = messages.makeAsyncIterator()
            try await body(&iterator)
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}
