import FunctionLogs
import StreamCore

/// What lists the groups and their streams.
extension LogsService {
    /// Most entries of one answer.
    private static let pageLimit = 50

    struct DescribeLogGroups: Decodable {
        let logGroupNamePrefix: String?
        let logGroupNamePattern: String?
        let nextToken: String?
        let limit: Int?
    }

    struct LogGroups: Encodable {
        struct Group: Encodable {
            let logGroupName: String
            let creationTime: Int64
            let metricFilterCount: Int
            let arn: String
            let logGroupArn: String
            let storedBytes: Int
            let logGroupClass: String
        }

        let logGroups: [Group]
        let nextToken: String?
    }

    func describeLogGroups(_ request: DescribeLogGroups) throws -> LogGroups {
        var checks = LogsChecks()
        checks.number(request.limit, at: "limit", in: 1...Self.pageLimit)
        checks.text(request.logGroupNamePrefix, at: "logGroupNamePrefix", length: 1...512)
        try checks.finish()
        guard request.logGroupNamePrefix == nil || request.logGroupNamePattern == nil else {
            throw LogsError(
                .invalidParameter,
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        }
        let functions = logs.functions().filter { function in
            let group = groupName(of: function)
            return group.hasPrefix(request.logGroupNamePrefix ?? "")
                && (request.logGroupNamePattern.map { $0.isEmpty || group.contains($0) } ?? true)
        }
        let page = Page(functions, after: request.nextToken, limit: request.limit) { groupName(of: $0) }
        return LogGroups(
            logGroups: page.items.map { function in
                let log = logs.log(of: function)
                return LogGroups.Group(
                    logGroupName: groupName(of: function),
                    creationTime: log.created.milliseconds,
                    metricFilterCount: 0,
                    arn: groupARN(of: function) + ":*",
                    logGroupArn: groupARN(of: function),
                    storedBytes: log.storedBytes,
                    logGroupClass: "STANDARD"
                )
            },
            nextToken: page.next
        )
    }

    struct DescribeLogStreams: Decodable {
        let logGroupName: String?
        let logGroupIdentifier: String?
        let logStreamNamePrefix: String?
        let orderBy: String?
        let descending: Bool?
        let nextToken: String?
        let limit: Int?
    }

    struct LogStreams: Encodable {
        struct Stream: Encodable {
            let logStreamName: String
            let creationTime: Int64
            let firstEventTimestamp: Int64
            let lastEventTimestamp: Int64
            let lastIngestionTime: Int64
            let uploadSequenceToken: String
            let arn: String
            /// The service has answered 0 since 2019.
            let storedBytes: Int
        }

        let logStreams: [Stream]
        let nextToken: String?
    }

    func describeLogStreams(_ request: DescribeLogStreams) throws -> LogStreams {
        var checks = LogsChecks()
        checks.number(request.limit, at: "limit", in: 1...Self.pageLimit)
        checks.text(request.logStreamNamePrefix, at: "logStreamNamePrefix", length: 1...512)
        checks.oneOf(["LogStreamName", "LastEventTime"], request.orderBy, at: "orderBy")
        try checks.finish()
        let isByTime = request.orderBy == "LastEventTime"
        guard !isByTime || request.logStreamNamePrefix == nil else {
            throw LogsError(
                .invalidParameter,
                "Cannot order by LastEventTime with a logStreamNamePrefix."
            )
        }
        let log = try log(request.logGroupName, request.logGroupIdentifier)
        func key(_ stream: LogStreamSummary) -> String {
            guard isByTime else { return stream.name }
            // As many digits for each, so that texts compare as the times do.
            return String(stream.lastEvent.milliseconds + 1_000_000_000_000_000) + stream.name
        }
        var streams = log.streams().filter { $0.name.hasPrefix(request.logStreamNamePrefix ?? "") }
        streams.sort { key($0) < key($1) }
        let isDescending = request.descending == true
        if isDescending { streams.reverse() }
        let page = Page(
            streams,
            after: request.nextToken,
            limit: request.limit,
            isDescending: isDescending,
            key: key
        )
        return LogStreams(
            logStreams: page.items.map { stream in
                LogStreams.Stream(
                    logStreamName: stream.name,
                    creationTime: stream.created.milliseconds,
                    firstEventTimestamp: stream.firstEvent.milliseconds,
                    lastEventTimestamp: stream.lastEvent.milliseconds,
                    lastIngestionTime: stream.lastIngestion.milliseconds,
                    uploadSequenceToken: "1",
                    arn: groupARN(of: log.function) + ":log-stream:\(stream.name)",
                    storedBytes: 0
                )
            },
            nextToken: page.next
        )
    }

    /// A part of a sorted list; the token is the key of the last entry of the part before.
    private struct Page<Item> {
        let items: [Item]
        let next: String?

        init(
            _ all: [Item],
            after token: String?,
            limit: Int?,
            isDescending: Bool = false,
            key: (Item) -> String
        ) {
            let rest = all.drop { item in
                guard let token else { return false }
                return isDescending ? key(item) >= token : key(item) <= token
            }
            items = Array(rest.prefix(limit ?? LogsService.pageLimit))
            next = items.count < rest.count ? items.last.map(key) : nil
        }
    }
}
