import FunctionLogs
import StreamCore

/// What reads events.
extension LogsService {
    private static let maximumEvents = 10_000

    struct GetLogEvents: Decodable {
        let logGroupName: String?
        let logGroupIdentifier: String?
        let logStreamName: String?
        let startTime: Int64?
        let endTime: Int64?
        let nextToken: String?
        let limit: Int?
        let startFromHead: Bool?
    }

    struct LogEvents: Encodable {
        struct Event: Encodable {
            let timestamp: Int64
            let message: String
            let ingestionTime: Int64
        }

        let events: [Event]
        let nextForwardToken: String
        let nextBackwardToken: String
    }

    func getLogEvents(_ request: GetLogEvents) throws -> LogEvents {
        var checks = LogsChecks()
        checks.number(request.limit, at: "limit", in: 1...Self.maximumEvents)
        checks.text(request.logStreamName ?? "", at: "logStreamName", length: 1...512)
        try checks.finish()
        let log = try log(request.logGroupName, request.logGroupIdentifier)
        let stream = request.logStreamName ?? ""
        guard log.streams().contains(where: { $0.name == stream }) else { throw LogsError.noStream }
        var query = try query(from: request.startTime, to: request.endTime, limit: request.limit)
        query.streams = .named([stream])

        let place = try request.nextToken.map { try ReadToken($0) }
        let events: [LogEvent]
        // Where reading in each direction goes on when there is nothing: the same place again, so that a
        // client sees that it has come to the end.
        let here: LogPosition
        switch place {
        case .forward(let position):
            events = log.events(query, from: position).events
            here = position
        case .backward(let position):
            events = log.events(query, before: position).events
            here = position
        case nil where request.startFromHead == true:
            events = log.events(query).events
            here = .start
        case nil:
            here = log.end
            events = log.events(query, before: here).events
        }
        return LogEvents(
            events: events.map { event in
                LogEvents.Event(
                    timestamp: event.timestamp.milliseconds,
                    message: event.message + "\n",
                    ingestionTime: event.ingestion.milliseconds
                )
            },
            nextForwardToken: ReadToken.forward(events.last?.end ?? here).text,
            nextBackwardToken: ReadToken.backward(events.first?.position ?? here).text
        )
    }

    struct FilterLogEvents: Decodable {
        let logGroupName: String?
        let logGroupIdentifier: String?
        let logStreamNames: [String]?
        let logStreamNamePrefix: String?
        let startTime: Int64?
        let endTime: Int64?
        let filterPattern: String?
        let nextToken: String?
        let limit: Int?
    }

    struct FilteredEvents: Encodable {
        struct Event: Encodable {
            let logStreamName: String
            let timestamp: Int64
            let message: String
            let ingestionTime: Int64
            let eventId: String
        }

        struct SearchedStream: Encodable {}

        let events: [Event]
        /// Empty, as the service answers since 2020.
        let searchedLogStreams: [SearchedStream]
        let nextToken: String?
    }

    func filterLogEvents(_ request: FilterLogEvents) throws -> FilteredEvents {
        var checks = LogsChecks()
        checks.number(request.limit, at: "limit", in: 1...Self.maximumEvents)
        checks.text(request.filterPattern, at: "filterPattern", length: 0...LogFilter.maximumCharacters)
        checks.text(request.logStreamNamePrefix, at: "logStreamNamePrefix", length: 1...512)
        checks.number(request.logStreamNames?.count, at: "logStreamNames", in: 1...100)
        try checks.finish()
        guard request.logStreamNames == nil || request.logStreamNamePrefix == nil else {
            throw LogsError(
                .invalidParameter,
                "logStreamNames and logStreamNamePrefix are mutually exclusive parameters."
            )
        }
        let log = try log(request.logGroupName, request.logGroupIdentifier)
        var query = try query(from: request.startTime, to: request.endTime, limit: request.limit)
        if let names = request.logStreamNames {
            let known = Set(log.streams().map(\.name))
            guard names.allSatisfy(known.contains) else { throw LogsError.noStream }
            query.streams = .named(Set(names))
        } else if let prefix = request.logStreamNamePrefix {
            query.streams = .prefixed(prefix)
        }
        do {
            query.filter = try LogFilter(request.filterPattern ?? "")
        } catch {
            throw LogsError(.invalidParameter, error.description)
        }
        var start = LogPosition.start
        if let token = request.nextToken {
            guard let position = LogPosition(digits: token) else { throw Self.invalidToken }
            start = position
        }
        let page = log.events(query, from: start)
        return FilteredEvents(
            events: page.events.map { event in
                FilteredEvents.Event(
                    logStreamName: event.stream,
                    timestamp: event.timestamp.milliseconds,
                    message: event.message + "\n",
                    ingestionTime: event.ingestion.milliseconds,
                    eventId: event.position.digits
                )
            },
            searchedLogStreams: [],
            nextToken: page.isLast ? nil : page.events.last?.end.digits
        )
    }

    private func query(from start: Int64?, to end: Int64?, limit: Int?) throws(LogsError) -> LogQuery {
        guard (start ?? 0) >= 0, (end ?? 0) >= 0 else {
            throw LogsError(.invalidParameter, "startTime and endTime cannot be negative.")
        }
        if let start, let end, start > end {
            throw LogsError(.invalidParameter, "startTime cannot be after endTime.")
        }
        var query = LogQuery()
        if let start { query.start = Timestamp(milliseconds: start) }
        if let end { query.end = Timestamp(milliseconds: end) }
        query.limit = limit ?? Self.maximumEvents
        return query
    }

    fileprivate static let invalidToken = LogsError(
        .invalidParameter,
        "The specified nextToken is invalid."
    )
}

/// Where GetLogEvents goes on, in the service's own form: `f/` or `b/`, 56 digits, `/s`.
private enum ReadToken {
    case forward(LogPosition)
    case backward(LogPosition)

    init(_ text: String) throws(LogsError) {
        guard text.hasSuffix("/s"), let position = LogPosition(digits: text.dropFirst(2).dropLast(2)) else {
            throw LogsService.invalidToken
        }
        switch text.prefix(2) {
        case "f/": self = .forward(position)
        case "b/": self = .backward(position)
        default: throw LogsService.invalidToken
        }
    }

    var text: String {
        switch self {
        case .forward(let position): "f/\(position.digits)/s"
        case .backward(let position): "b/\(position.digits)/s"
        }
    }
}
