import EmbeddedLog
import Foundation
import KinesisWire
import NIOCore
import StreamCore

extension KinesisService {
    private struct SubscribeRequest: Decodable {
        struct Position: Decodable {
            let type: String?
            let sequenceNumber: String?
            let timestamp: Double?
        }
        let consumerARN: String?
        let shardId: String?
        let startingPosition: Position?
        let dryRun: Bool?
    }

    /// Begins a subscription; its events come from `ShardSubscription.run`, which is to be called.
    ///
    /// - Returns: The answer that tells why there is none.
    func subscribe(_ body: ByteBuffer, _ format: WireFormat) -> Result<ShardSubscription, KinesisError> {
        do {
            return .success(try subscription(format.json(from: body), format))
        } catch {
            return .failure(translate(error, of: KinesisOperation.subscribeToShard.rawValue))
        }
    }

    private func subscription(_ body: Data, _ format: WireFormat) throws -> ShardSubscription {
        let request = try ControlCodec.decode(SubscribeRequest.self, from: body)
        try check(request)
        let (stream, consumer) = try consumer(arn: request.consumerARN ?? "")
        guard let shard = try stream.listShards().first(where: { $0.id.text == request.shardId }) else {
            throw shardNotFound(request.shardId ?? "", in: stream.name)
        }
        let requested = RequestedPosition(
            type: request.startingPosition?.type ?? "",
            sequenceNumber: request.startingPosition?.sequenceNumber,
            timestamp: request.startingPosition?.timestamp
        )
        let position = try position(requested, in: shard, of: stream.name)
        let start = try stream.cursor(in: shard.id, at: position)
        if request.dryRun == true {
            throw KinesisError(.dryRun, "Request would have succeeded, but DryRun flag is set.")
        }
        let key = Subscriptions.Key(consumer: arn(of: consumer, in: stream), shard: shard.id)
        guard let ending = subscriptions.begin(key) else {
            throw KinesisError(
                .resourceInUse,
                "Another active subscription exists for this consumer: \(names.account):\(stream.name):"
                    + "\(consumer.name):\(shard.id)"
            )
        }
        return ShardSubscription(
            service: self,
            stream: stream,
            shard: shard.id,
            // `LATEST` becomes the place that it names now.
            position: position == .latest ? .atSequenceNumber(start.next) : position,
            reached: start.next.predecessor,
            format: format,
            key: key,
            ending: ending
        )
    }

    private func check(_ request: SubscribeRequest) throws(KinesisError) {
        var checks = RequestChecks()
        checks.require(request.consumerARN, at: "consumerARN")
        checks.text(request.consumerARN, at: "consumerARN", length: 1...2_048)
        checks.require(request.shardId, at: "shardId")
        checks.name(request.shardId, at: "shardId")
        checks.require(request.startingPosition, at: "startingPosition")
        if let position = request.startingPosition {
            checks.require(position.type, at: "startingPosition.type")
            checks.oneOf(Self.iteratorTypes, position.type, at: "startingPosition.type")
            checks.sequenceNumber(position.sequenceNumber, at: "startingPosition.sequenceNumber")
        }
        try checks.finish()
    }
}

extension SequenceNumber {
    /// Cursors stand at 1 or later, as 0 is the place before a shard's first record.
    var predecessor: SequenceNumber {
        SequenceNumber(high: high, middle: middle, low: low == 0 ? 0 : low - 1)
    }
}
