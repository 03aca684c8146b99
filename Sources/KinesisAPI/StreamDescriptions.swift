import EmbeddedLog
import StreamCore

/// A stream as DescribeStreamSummary shows it.
struct StreamSummary: Encodable {
    struct Mode: Encodable { let streamMode: String }
    struct Metrics: Encodable { let shardLevelMetrics: [String] }

    let streamName: String
    let streamARN: String
    let streamStatus: String
    let streamModeDetails: Mode
    let retentionPeriodHours: Int
    /// Seconds since 1970.
    let streamCreationTimestamp: Double
    let enhancedMonitoring = [Metrics(shardLevelMetrics: [])]
    let encryptionType = "NONE"
    let openShardCount: Int
    let consumerCount: Int
    let maxRecordSizeInKiB = 10_240
}

/// A stream as DescribeStream shows it.
struct StreamDescription: Encodable {
    let streamName: String
    let streamARN: String
    let streamStatus: String
    let streamModeDetails: StreamSummary.Mode
    let shards: [ShardDescription]
    let hasMoreShards: Bool
    let retentionPeriodHours: Int
    let streamCreationTimestamp: Double
    let enhancedMonitoring: [StreamSummary.Metrics]
    let encryptionType: String

    init(summary: StreamSummary, shards: [ShardDescription], hasMoreShards: Bool) {
        streamName = summary.streamName
        streamARN = summary.streamARN
        streamStatus = summary.streamStatus
        streamModeDetails = summary.streamModeDetails
        self.shards = shards
        self.hasMoreShards = hasMoreShards
        retentionPeriodHours = summary.retentionPeriodHours
        streamCreationTimestamp = summary.streamCreationTimestamp
        enhancedMonitoring = summary.enhancedMonitoring
        encryptionType = summary.encryptionType
    }
}

/// A stream as ListStreams shows it.
struct StreamListing: Encodable {
    let streamName: String
    let streamARN: String
    let streamStatus: String
    let streamModeDetails: StreamSummary.Mode
    let streamCreationTimestamp: Double
}

struct ShardDescription: Encodable {
    struct HashKeys: Encodable {
        let startingHashKey: String
        let endingHashKey: String
    }
    struct SequenceNumbers: Encodable {
        let startingSequenceNumber: String
        let endingSequenceNumber: String?
    }

    let shardId: String
    let parentShardId: String?
    let adjacentParentShardId: String?
    let hashKeyRange: HashKeys
    let sequenceNumberRange: SequenceNumbers

    init(_ shard: Shard) {
        shardId = shard.id.text
        parentShardId = shard.parent?.text
        adjacentParentShardId = shard.adjacentParent?.text
        hashKeyRange = HashKeys(
            startingHashKey: String(shard.hashKeyRange.start),
            endingHashKey: String(shard.hashKeyRange.end)
        )
        sequenceNumberRange = SequenceNumbers(
            startingSequenceNumber: shard.startingSequenceNumber.description,
            endingSequenceNumber: shard.endingSequenceNumber?.description
        )
    }
}

extension KinesisService {
    func summary(of stream: EmbeddedStream) throws -> StreamSummary {
        StreamSummary(
            streamName: stream.name.text,
            streamARN: names.stream(stream.name),
            streamStatus: stream.isUpdating ? "UPDATING" : "ACTIVE",
            streamModeDetails: StreamSummary.Mode(streamMode: stream.mode.rawValue),
            retentionPeriodHours: Self.retentionHours(of: stream),
            streamCreationTimestamp: stream.created.seconds,
            openShardCount: try stream.listShards().count(where: \.isOpen),
            consumerCount: stream.consumers.count
        )
    }

    func listing(of stream: EmbeddedStream) throws -> StreamListing {
        let summary = try summary(of: stream)
        return StreamListing(
            streamName: summary.streamName,
            streamARN: summary.streamARN,
            streamStatus: summary.streamStatus,
            streamModeDetails: summary.streamModeDetails,
            streamCreationTimestamp: summary.streamCreationTimestamp
        )
    }
}

extension Timestamp {
    /// Seconds since 1970, as control operations write moments.
    var seconds: Double { Double(milliseconds) / 1_000 }

    init(seconds: Double) {
        // Far outside of what a clock shows, but no trap.
        self.init(milliseconds: Int64(max(0, min(seconds * 1_000, 1e17)).rounded()))
    }
}
