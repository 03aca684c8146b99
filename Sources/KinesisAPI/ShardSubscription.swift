import EmbeddedLog
import Foundation
import KinesisWire
import NIOCore
import ServiceLifecycle
import StreamCore

/// Pushes the records of one shard to one consumer, until the shard ends, five minutes are over, or another subscription of
/// the same consumer takes over.
///
/// Its client's flow control is the only queue: the next records are read when the last event has been taken.
struct ShardSubscription: Sendable {
    static let contentType = "application/vnd.amazon.eventstream"
    /// How long one subscription lasts.
    private static let lifetime = Duration.seconds(300)
    /// Without records an empty event tells at this interval that the subscription lives.
    private static let heartbeat = Duration.seconds(5)
    /// Of one event, before base64; a larger record comes alone.
    private static let maximumEventBytes = 1024 * 1024
    private static let maximumEventRecords = 10_000

    let service: KinesisService
    let stream: EmbeddedStream
    let shard: ShardID
    let position: Position
    /// Everything up to it counts as sent.
    let reached: SequenceNumber
    let format: WireFormat
    let key: Subscriptions.Key
    let ending: Subscriptions.Ending

    /// Sends all events.
    ///
    /// - Parameter write: Returns when the client can take more; its errors end the subscription.
    func run(_ write: (ByteBuffer) async throws -> Void) async throws {
        defer { service.subscriptions.end(key, ending) }
        try await withGracefulShutdownHandler {
            try await write(message(.event("initial-response"), json: Data("{}".utf8)))
            do {
                try await push(write)
            } catch let failure as ReadFailure {
                let error = service.translate(failure.cause, of: KinesisOperation.subscribeToShard.rawValue)
                try await write(exception(error))
            }
        } onGracefulShutdown: {
            ending.request(.shutdown)
        }
    }

    private struct ReadFailure: Error {
        let cause: any Error
    }

    private func push(_ write: (ByteBuffer) async throws -> Void) async throws {
        let running = Stopwatch(clock: service.clock)
        let reader = try await reading { try await stream.reader(of: shard, from: position) }
        var reached = reached
        while running.elapsed < Self.lifetime {
            // What is there now has been sent, or left out, when the next read finds nothing.
            let newest = try await reading { try stream.cursor(in: shard, at: .latest).next }
            let wait = min(Self.heartbeat, Self.lifetime - running.elapsed)
            guard let result = try await read(reader, wait: wait) else {
                if let exception = endingException { try await write(exception) }
                return
            }
            if let last = result.batch.last {
                reached = last.sequenceNumber
            } else {
                reached = max(reached, newest.predecessor)
            }
            try await write(try await event(result, reached))
            if result.isEnd { return }
        }
    }

    /// - Returns: `nil` when the subscription is to end.
    private func read(_ reader: any ShardReader, wait: Duration) async throws -> ReadResult? {
        try await reading {
            try await ending.signal.interruptible {
                try await reader.read(
                    maxRecords: Self.maximumEventRecords,
                    maxBytes: Self.maximumEventBytes,
                    wait: wait
                )
            }
        }
    }

    /// Tells errors of the log, of which the client is told, from those of its connection.
    private func reading<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ReadFailure(cause: error)
        }
    }

    private func event(_ result: ReadResult, _ reached: SequenceNumber) async throws -> ByteBuffer {
        let children = result.isEnd ? try await reading { try stream.listShards() } : []
        let answer = GetRecordsAnswer(
            batch: result.batch,
            millisBehindLatest: result.millisBehindLatest,
            childShards: children.filter { $0.parents.contains(shard) },
            continuation: result.isEnd ? nil : reached
        )
        return message(.event("SubscribeToShardEvent"), capacity: answer.capacity) { target in
            switch format {
            case .json: answer.write(to: target)
            case .cbor: answer.writeCBOR(to: target)
            }
        }
    }

    private var endingException: ByteBuffer? {
        switch ending.reason {
        case .takenOver:
            exception(
                KinesisError(
                    .resourceInUse,
                    "Another subscription of this consumer to shard \(shard) has taken over."
                )
            )
        case .consumerDeregistered:
            exception(KinesisError(.resourceNotFound, "Consumer \(key.consumer) has been deregistered."))
        // As at the end of its time: the client subscribes anew.
        case .shutdown, nil: nil
        }
    }

    private func exception(_ error: KinesisError) -> ByteBuffer {
        let fields = ["message": error.message]
        return message(.exception(error.kind.rawValue), json: (try? JSONEncoder().encode(fields)) ?? Data())
    }

    private func message(_ kind: EventStreamEncoder.Kind, json: Data) -> ByteBuffer {
        let payload = (try? format.answer(fromJSON: json)) ?? ByteBuffer()
        return message(kind, capacity: payload.readableBytes) { target in
            payload.withUnsafeReadableBytes { bytes in
                if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
                return bytes.count
            }
        }
    }

    private func message(
        _ kind: EventStreamEncoder.Kind,
        capacity: Int,
        _ payload: (UnsafeMutableRawPointer) -> Int
    ) -> ByteBuffer {
        let message = EventStreamEncoder(kind, contentType: format.rawValue)
        return ByteBuffer(capacity: message.frameBytes + capacity) { message.write(to: $0, payload: payload) }
    }
}
