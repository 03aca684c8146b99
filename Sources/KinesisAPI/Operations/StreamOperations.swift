import EmbeddedLog
import Foundation
import KinesisWire
import StreamCore

extension KinesisService {
    /// Shards of a stream whose request names no count, as on-demand streams begin.
    private static let defaultShardCount = 4
    /// Open shards of all streams together.
    static let shardLimit = 10_000
    private static let streamModes = [StreamMode.provisioned, .onDemand].map(\.rawValue)

    func createStream(_ body: Data) throws -> Data? {
        struct Request: Decodable {
            struct Mode: Decodable { let streamMode: String? }
            let streamName: String?
            let shardCount: Int?
            let streamModeDetails: Mode?
            let tags: [String: String]?
            let maxRecordSizeInKiB: Int?
            let warmThroughputMiBps: Int?
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        try refuse(recordKibibytes: request.maxRecordSizeInKiB, warmThroughput: request.warmThroughputMiBps)
        var checks = RequestChecks()
        checks.require(request.streamName, at: "streamName")
        checks.name(request.streamName, at: "streamName")
        checks.number(request.shardCount, at: "shardCount", in: 1...Int.max)
        if let mode = request.streamModeDetails {
            checks.require(mode.streamMode, at: "streamModeDetails.streamMode")
            checks.oneOf(Self.streamModes, mode.streamMode, at: "streamModeDetails.streamMode")
        }
        try checks.finish()

        let name = try streamName(StreamReference(name: request.streamName, arn: nil))
        let shardCount = request.shardCount ?? Self.defaultShardCount
        try checkShardLimit(adding: shardCount)
        let tags = try request.tags.map { try checkedTags($0, existing: [:], stream: name) } ?? [:]
        let mode = request.streamModeDetails?.streamMode.flatMap(StreamMode.init) ?? .provisioned
        do {
            try log.createStream(name, shardCount: shardCount, mode: mode, tags: tags)
        } catch is StreamExists {
            throw KinesisError(
                .resourceInUse,
                "Stream \(name) under account \(names.account) already exists."
            )
        }
        return nil
    }

    /// Settings that would be promised and not kept.
    private func refuse(recordKibibytes: Int?, warmThroughput: Int?) throws(KinesisError) {
        let largest = KinesisLimits.payloadBytes / 1_024
        if let recordKibibytes, recordKibibytes != largest {
            throw KinesisError(
                .invalidArgument,
                "MaxRecordSizeInKiB is not supported by this version: records have up to \(largest) KiB."
            )
        }
        if warmThroughput != nil {
            throw KinesisError(.invalidArgument, "WarmThroughputMiBps is not supported by this version.")
        }
    }

    func checkShardLimit(adding count: Int) throws(KinesisError) {
        let open = openShardCount
        guard count > Self.shardLimit - open else { return }
        throw KinesisError(
            .limitExceeded,
            "This request would exceed the shard limit for the account \(names.account) in \(names.region). "
                + "Current shard count for the account: \(open). Limit: \(Self.shardLimit). "
                + "Number of additional shards that would have resulted from this request: \(count)."
        )
    }

    func deleteStream(_ body: Data) throws -> Data? {
        let request = try ControlCodec.decode(StreamRequest.self, from: body)
        try log.deleteStream(streamName(request.reference))
        return nil
    }

    func describeStream(_ body: Data) throws -> Data? {
        struct Request: Decodable {
            let streamName: String?
            let streamARN: String?
            let limit: Int?
            let exclusiveStartShardId: String?
        }
        struct Answer: Encodable { let streamDescription: StreamDescription }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.number(request.limit, at: "limit", in: 1...10_000)
        checks.name(request.exclusiveStartShardId, at: "exclusiveStartShardId")
        try checks.finish()

        let stream = try stream(StreamReference(name: request.streamName, arn: request.streamARN))
        let shards = try stream.listShards().sorted { $0.id < $1.id }
        let following = shards.drop { shard in
            request.exclusiveStartShardId.map { shard.id.text <= $0 } ?? false
        }
        let page = following.prefix(request.limit ?? 100)
        return try ControlCodec.encode(
            Answer(
                streamDescription: StreamDescription(
                    summary: try summary(of: stream),
                    shards: page.map(ShardDescription.init),
                    hasMoreShards: page.count < following.count
                )
            )
        )
    }

    func describeStreamSummary(_ body: Data) throws -> Data? {
        struct Answer: Encodable { let streamDescriptionSummary: StreamSummary }
        let request = try ControlCodec.decode(StreamRequest.self, from: body)
        return try ControlCodec.encode(
            Answer(streamDescriptionSummary: summary(of: stream(request.reference)))
        )
    }

    func listStreams(_ body: Data) throws -> Data? {
        struct Request: Decodable {
            let limit: Int?
            let exclusiveStartStreamName: String?
            let nextToken: String?
        }
        struct Answer: Encodable {
            let streamNames: [String]
            let streamSummaries: [StreamListing]
            let hasMoreStreams: Bool
            let nextToken: String?
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.number(request.limit, at: "limit", in: 1...10_000)
        checks.name(request.exclusiveStartStreamName, at: "exclusiveStartStreamName")
        try checks.finish()

        let start = try request.nextToken.map { try PageToken<String>(text: $0, now: now()).place }
        let after = start ?? request.exclusiveStartStreamName
        let following = log.streamNames.drop { name in after.map { name.text <= $0 } ?? false }
        let page = following.prefix(request.limit ?? 100)
        let hasMore = page.count < following.count
        return try ControlCodec.encode(
            Answer(
                streamNames: page.map(\.text),
                // A stream that is deleted meanwhile is left out.
                streamSummaries: page.compactMap { try? listing(of: log.stream($0)) },
                hasMoreStreams: hasMore,
                nextToken: hasMore ? page.last.map { try PageToken($0.text, issued: now()).text } : nil
            )
        )
    }

    func describeLimits() throws -> Data? {
        struct Answer: Encodable {
            let shardLimit: Int
            let openShardCount: Int
            let onDemandStreamCount: Int
            let onDemandStreamCountLimit: Int
        }
        return try ControlCodec.encode(
            Answer(
                shardLimit: Self.shardLimit,
                openShardCount: openShardCount,
                onDemandStreamCount: onDemandStreamCount,
                onDemandStreamCountLimit: 50
            )
        )
    }

    private var onDemandStreamCount: Int {
        log.streamNames.count { name in (try? log.stream(name).mode) == .onDemand }
    }

    private var openShardCount: Int {
        log.streamNames.reduce(0) { total, name in
            total + ((try? log.stream(name).listShards())?.count(where: \.isOpen) ?? 0)
        }
    }
}

// MARK: - Retention

extension KinesisService {
    /// 24 hours to 365 days.
    private static let retentionHours = 24...8_760

    func changeRetention(_ body: Data, isIncrease: Bool) throws -> Data? {
        struct Request: Decodable {
            let streamName: String?
            let streamARN: String?
            let retentionPeriodHours: Int?
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.require(request.retentionPeriodHours, at: "retentionPeriodHours")
        try checks.finish()
        let hours = request.retentionPeriodHours ?? 0
        let stream = try stream(StreamReference(name: request.streamName, arn: request.streamARN))
        try checkRetention(hours, of: stream, isIncrease: isIncrease)
        try stream.setRetention(.hours(hours))
        return nil
    }

    private func checkRetention(_ hours: Int, of stream: EmbeddedStream, isIncrease: Bool)
        throws(KinesisError)
    {
        let limits = Self.retentionHours
        guard hours >= limits.lowerBound else {
            throw KinesisError(
                .invalidArgument,
                "Minimum allowed retention period is \(limits.lowerBound) hours. "
                    + "Requested retention period (\(hours) hours) is too short."
            )
        }
        guard hours <= limits.upperBound else {
            throw KinesisError(
                .invalidArgument,
                "Maximum allowed retention period is \(limits.upperBound) hours. "
                    + "Requested retention period (\(hours) hours) is too long."
            )
        }
        let current = Self.retentionHours(of: stream)
        guard isIncrease ? hours >= current : hours <= current else {
            let (relation, other) = isIncrease ? ("shorter", "Decrease") : ("longer", "Increase")
            throw KinesisError(
                .invalidArgument,
                "Requested retention period (\(hours) hours) for stream \(stream.name) can not be \(relation) than "
                    + "existing retention period (\(current) hours). Use \(other)RetentionPeriod API."
            )
        }
    }

    /// The API has no word for records that never expire: they show as its longest period.
    static func retentionHours(of stream: EmbeddedStream) -> Int {
        switch stream.retention {
        case .hours(let hours): hours
        case .unlimited: retentionHours.upperBound
        }
    }
}
