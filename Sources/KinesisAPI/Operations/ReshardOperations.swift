import EmbeddedLog
import Foundation
import KinesisWire
import StreamCore

/// SplitShard, MergeShards and UpdateShardCount.
///
/// The service answers at once and reshards for some seconds after; here the stream is active again when the answer comes.
extension KinesisService {
    func splitShard(_ body: Data) async throws -> Data? {
        struct Request: Decodable {
            let streamName: String?
            let streamARN: String?
            let shardToSplit: String?
            let newStartingHashKey: String?
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.require(request.newStartingHashKey, at: "newStartingHashKey")
        checks.hashKey(request.newStartingHashKey, at: "newStartingHashKey")
        checks.require(request.shardToSplit, at: "shardToSplit")
        checks.name(request.shardToSplit, at: "shardToSplit")
        try checks.finish()

        let reference = StreamReference(name: request.streamName, arn: request.streamARN)
        let stream = try stream(reference)
        let shard = try listedShard(request.shardToSplit ?? "", of: stream)
        try checkShardLimit(adding: 1)
        let keyText = request.newStartingHashKey ?? ""
        let range = shard.hashKeyRange
        // The service leaves the lower child more than one key, and the upper one too.
        guard let key = UInt128(keyText), key > range.start, key - range.start > 1, key < range.end else {
            throw KinesisError(
                .invalidArgument,
                "NewStartingHashKey \(keyText) used in SplitShard() on shard \(shard.id) in stream \(stream.name) "
                    + "under account \(names.account) is not both greater than one plus the shard's "
                    + "StartingHashKey \(range.start) and less than the shard's EndingHashKey \(range.end)."
            )
        }
        try checkReshardable(stream)
        try await translatingRefusals(of: stream) { _ = try await stream.split(shard.id, at: key) }
        return nil
    }

    func mergeShards(_ body: Data) async throws -> Data? {
        struct Request: Decodable {
            let streamName: String?
            let streamARN: String?
            let shardToMerge: String?
            let adjacentShardToMerge: String?
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.require(request.shardToMerge, at: "shardToMerge")
        checks.name(request.shardToMerge, at: "shardToMerge")
        checks.require(request.adjacentShardToMerge, at: "adjacentShardToMerge")
        checks.name(request.adjacentShardToMerge, at: "adjacentShardToMerge")
        try checks.finish()

        let reference = StreamReference(name: request.streamName, arn: request.streamARN)
        let stream = try stream(reference)
        let shard = try listedShard(request.shardToMerge ?? "", of: stream)
        let adjacent = try listedShard(request.adjacentShardToMerge ?? "", of: stream)
        try checkReshardable(stream)
        try await translatingRefusals(of: stream) {
            _ = try await stream.merge(shard.id, with: adjacent.id)
        }
        return nil
    }

    func updateShardCount(_ body: Data) async throws -> Data? {
        struct Request: Decodable {
            let streamName: String?
            let streamARN: String?
            let targetShardCount: Int?
            let scalingType: String?
        }
        struct Answer: Encodable {
            let streamName: String
            let streamARN: String
            let currentShardCount: Int
            let targetShardCount: Int
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.require(request.targetShardCount, at: "targetShardCount")
        checks.number(request.targetShardCount, at: "targetShardCount", in: 1...Int.max)
        checks.require(request.scalingType, at: "scalingType")
        checks.oneOf(["UNIFORM_SCALING"], request.scalingType, at: "scalingType")
        try checks.finish()

        let stream = try stream(StreamReference(name: request.streamName, arn: request.streamARN))
        let target = request.targetShardCount ?? 0
        let open = try stream.listShards().count(where: \.isOpen)
        try checkShardLimit(adding: target - open)
        try checkReshardable(stream)
        let before = try await translatingRefusals(of: stream, target: target) {
            try await stream.scale(to: target)
        }
        let answer = Answer(
            streamName: stream.name.text,
            streamARN: names.stream(stream.name),
            currentShardCount: before,
            targetShardCount: target
        )
        return try ControlCodec.encode(answer)
    }

    // MARK: - Refusals

    private func listedShard(_ name: String, of stream: EmbeddedStream) throws -> Shard {
        guard let shard = try stream.listShards().first(where: { $0.id.text == name }) else {
            throw KinesisError(
                .resourceNotFound,
                "Could not find shard \(name) in stream \(stream.name) under account \(names.account)."
            )
        }
        return shard
    }

    private func checkReshardable(_ stream: EmbeddedStream) throws(KinesisError) {
        if stream.mode == .onDemand {
            throw KinesisError(
                .validation,
                "Request is invalid. Stream \(stream.name) under account \(names.account) is in On-Demand mode."
            )
        }
        guard !stream.isUpdating else {
            throw KinesisError(
                .resourceInUse,
                "Stream \(stream.name) under account \(names.account) not ACTIVE, instead in state UPDATING"
            )
        }
    }

    private func translatingRefusals<Value>(
        of stream: EmbeddedStream,
        target: Int = 0,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let refusal as ReshardRefusal {
            throw error(for: refusal, of: stream.name, target: target)
        }
    }

    private func error(for refusal: ReshardRefusal, of stream: StreamName, target: Int) -> KinesisError {
        let place = "in stream \(stream) under account \(names.account)"
        switch refusal {
        case .closed(let shard):
            return KinesisError(
                .invalidArgument,
                "Shard \(shard) \(place) has already been merged or split, and thus is not eligible for "
                    + "merging or splitting."
            )
        case .notAdjacent(let first, let second):
            return KinesisError(
                .invalidArgument,
                "Shards \(first) and \(second) \(place) are not an adjacent pair of shards eligible for merging"
            )
        case .moreThanDouble(let open):
            return KinesisError(
                .limitExceeded,
                "UpdateShardCount cannot scale up over double your current open shard count. "
                    + "Current open shard count: \(open) Target shard count: \(target)"
            )
        case .lessThanHalf(let open):
            return KinesisError(
                .limitExceeded,
                "UpdateShardCount cannot scale down below half your current open shard count. "
                    + "Current open shard count: \(open) Target shard count: \(target)"
            )
        case .keyOutside: return KinesisError(.invalidArgument, "In stream \(stream), \(refusal).")
        case .tooManyListed, .numbersExhausted:
            return KinesisError(.limitExceeded, "Stream \(stream) cannot be resharded: \(refusal).")
        }
    }
}
