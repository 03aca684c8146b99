import EmbeddedLog
import Foundation
import KinesisWire
import StreamCore

extension KinesisService {
    private struct ListShardsRequest: Decodable {
        struct Filter: Decodable {
            let type: String?
            let shardId: String?
            let timestamp: Double?
        }
        let streamName: String?
        let streamARN: String?
        let nextToken: String?
        let exclusiveStartShardId: String?
        let maxResults: Int?
        let streamCreationTimestamp: Double?
        let shardFilter: Filter?
    }

    /// Where a listing of shards goes on.
    private struct ShardPage: Codable {
        let stream: StreamName
        let after: ShardID?
        let filter: ShardFilter?
    }

    func listShards(_ body: Data) throws -> Data? {
        struct Answer: Encodable {
            let shards: [ShardDescription]
            let nextToken: String?
        }
        let request = try ControlCodec.decode(ListShardsRequest.self, from: body)
        let start = try firstPage(of: request)
        let stream = try log.stream(start.stream)
        let sorted = try stream.listShards().sorted { $0.id < $1.id }
        let filtered = start.filter?.apply(to: sorted, opened: Self.opened) ?? sorted
        let following = filtered.drop { shard in start.after.map { shard.id <= $0 } ?? false }
        let page = following.prefix(request.maxResults ?? 1_000)
        var nextToken: String?
        if page.count < following.count {
            let next = ShardPage(stream: start.stream, after: page.last?.id, filter: start.filter)
            nextToken = try PageToken(next, issued: now()).text
        }
        return try ControlCodec.encode(Answer(shards: page.map(ShardDescription.init), nextToken: nextToken))
    }

    private func firstPage(of request: ListShardsRequest) throws -> ShardPage {
        var checks = RequestChecks()
        checks.text(request.nextToken, at: "nextToken", length: 1...1_048_576)
        checks.name(request.exclusiveStartShardId, at: "exclusiveStartShardId")
        checks.number(request.maxResults, at: "maxResults", in: 1...10_000)
        if let filter = request.shardFilter {
            checks.require(filter.type, at: "shardFilter.type")
            checks.oneOf(ShardFilter.typeNames, filter.type, at: "shardFilter.type")
            checks.name(filter.shardId, at: "shardFilter.shardId")
        }
        try checks.finish()

        let namesStream = request.streamName != nil || request.streamARN != nil
        if let token = request.nextToken {
            let isAlone =
                !namesStream && request.exclusiveStartShardId == nil && request.streamCreationTimestamp == nil
                && request.shardFilter == nil
            guard isAlone else {
                throw KinesisError(.invalidArgument, "NextToken and StreamName cannot be provided together.")
            }
            return try PageToken<ShardPage>(text: token, now: now()).place
        }
        guard namesStream else {
            throw KinesisError(.invalidArgument, "Either NextToken or StreamName should be provided.")
        }
        return ShardPage(
            stream: try streamName(StreamReference(name: request.streamName, arn: request.streamARN)),
            after: request.exclusiveStartShardId.flatMap { ShardID($0) },
            filter: try request.shardFilter.map { filter in
                try ShardFilter(
                    type: filter.type ?? "",
                    shard: filter.shardId.flatMap { ShardID($0) },
                    timestamp: filter.timestamp.map { Timestamp(seconds: $0) }
                )
            }
        )
    }

    /// A shard's numbers say in which second it was created.
    private static func opened(_ shard: Shard) -> Timestamp {
        let seconds = UInt32(truncatingIfNeeded: shard.startingSequenceNumber.middle >> 24)
        return Timestamp(milliseconds: Int64(seconds) * 1_000)
    }
}

// MARK: - Iterators

extension KinesisService {
    private struct IteratorRequest: Decodable {
        let streamName: String?
        let streamARN: String?
        let shardId: String?
        let shardIteratorType: String?
        let startingSequenceNumber: String?
        let timestamp: Double?
    }

    /// Where reading starts, as a request says it.
    struct RequestedPosition {
        let type: String
        let sequenceNumber: String?
        let timestamp: Double?
    }

    static let iteratorTypes = [
        "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON",
    ]

    func getShardIterator(_ body: Data) throws -> Data? {
        struct Answer: Encodable { let shardIterator: String }
        let request = try ControlCodec.decode(IteratorRequest.self, from: body)
        var checks = RequestChecks()
        checks.require(request.shardId, at: "shardId")
        checks.name(request.shardId, at: "shardId")
        checks.require(request.shardIteratorType, at: "shardIteratorType")
        checks.oneOf(Self.iteratorTypes, request.shardIteratorType, at: "shardIteratorType")
        checks.sequenceNumber(request.startingSequenceNumber, at: "startingSequenceNumber")
        try checks.finish()

        let stream = try stream(StreamReference(name: request.streamName, arn: request.streamARN))
        guard let shard = try stream.listShards().first(where: { $0.id.text == request.shardId }) else {
            throw shardNotFound(request.shardId ?? "", in: stream.name)
        }
        let requested = RequestedPosition(
            type: request.shardIteratorType ?? "",
            sequenceNumber: request.startingSequenceNumber,
            timestamp: request.timestamp
        )
        let cursor = try stream.cursor(in: shard.id, at: position(requested, in: shard, of: stream.name))
        return try ControlCodec.encode(Answer(shardIterator: token(cursor, in: shard.id, of: stream)))
    }

    func shardNotFound(_ shard: String, in stream: StreamName) -> KinesisError {
        KinesisError(
            .resourceNotFound,
            "Shard \(shard) in stream \(stream) under account \(names.account) does not exist"
        )
    }

    func token(_ cursor: ReadCursor, in shard: ShardID, of stream: EmbeddedStream) -> String {
        ShardIterator(
            stream: stream.name,
            incarnation: stream.incarnation,
            shard: shard,
            next: cursor.next,
            notBefore: cursor.notBefore,
            hint: cursor.hint.map { ShardIterator.Hint(segment: $0.segment, offset: $0.offset) },
            issued: now()
        ).token
    }

    func position(_ request: RequestedPosition, in shard: Shard, of stream: StreamName) throws -> Position {
        let type = request.type
        switch type {
        case "AT_TIMESTAMP":
            guard let timestamp = request.timestamp else {
                throw KinesisError(
                    .invalidArgument,
                    "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
                        + "Current request has no timestamp parameter."
                )
            }
            return .atTimestamp(try pastTimestamp(timestamp))
        case "TRIM_HORIZON", "LATEST":
            guard request.sequenceNumber == nil else {
                throw mismatch(type, "also a StartingSequenceNumber")
            }
            return type == "LATEST" ? .latest : .trimHorizon
        default:
            guard let text = request.sequenceNumber else {
                throw mismatch(type, "no StartingSequenceNumber")
            }
            let number = try sequenceNumber(text, in: shard, of: stream)
            return type == "AT_SEQUENCE_NUMBER" ? .atSequenceNumber(number) : .afterSequenceNumber(number)
        }
    }

    private func mismatch(_ type: String, _ given: String) -> KinesisError {
        KinesisError(
            .invalidArgument,
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
                + "(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
                + "Request specified \(type) and \(given)."
        )
    }

    private func pastTimestamp(_ seconds: Double) throws(KinesisError) -> Timestamp {
        let timestamp = Timestamp(seconds: seconds)
        let now = now()
        // A client's clock may be a little ahead.
        guard timestamp.millisecondsSince(now) <= 1_000 else {
            throw KinesisError(
                .invalidArgument,
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                    + "timestampInMillis: \(timestamp.milliseconds), currentTimestampInMillis: \(now.milliseconds)"
            )
        }
        return timestamp
    }

    /// A number that this shard issued, or can issue.
    private func sequenceNumber(
        _ text: String,
        in shard: Shard,
        of stream: StreamName
    ) throws(KinesisError) -> SequenceNumber {
        let start = shard.startingSequenceNumber
        let number = SequenceNumber(text)
        // All but the lowest word names the shard; zero stands for its beginning, as some clients have it.
        guard let number, number == .zero || (number.high == start.high && number.middle == start.middle)
        else {
            throw KinesisError(
                .invalidArgument,
                "StartingSequenceNumber \(text) used in GetShardIterator on shard \(shard.id) in stream \(stream) "
                    + "under account \(names.account) is invalid because it did not come from this stream."
            )
        }
        return number == .zero ? start : number
    }
}
