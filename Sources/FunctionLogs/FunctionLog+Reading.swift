package import StreamCore

extension FunctionLog {
    package var storedBytes: Int { segments().reduce(0) { $0 + $1.bytes } }

    /// When the oldest event that is kept was written.
    package var created: Timestamp { Timestamp(milliseconds: segments().first?.start ?? 0) }

    /// Behind the newest event.
    package var end: LogPosition {
        segments().last.map { LogPosition(segment: $0.start, offset: $0.bytes) } ?? .start
    }

    /// The first events from a place on that a query asks for.
    package func events(_ query: LogQuery, from start: LogPosition = .start) -> LogPage {
        var events: [LogEvent] = []
        var bytes = 0
        let segments = segments()
        for (index, segment) in segments.enumerated() {
            // Everything in a file was written before the next one began.
            if index + 1 < segments.count {
                let next = segments[index + 1].start
                if next <= start.segment || next + LogSegment.disorder < query.start.milliseconds { continue }
            }
            guard segment.start - LogSegment.disorder <= query.end.milliseconds else { break }
            var isFull = false
            segment.forEach(query) { event in
                guard event.position >= start else { return true }
                bytes += event.message.utf8.count + 26
                isFull = events.count == query.limit || (bytes > LogPage.maximumBytes && !events.isEmpty)
                if !isFull { events.append(event) }
                return !isFull
            }
            if isFull { return LogPage(events: events, isLast: false) }
        }
        return LogPage(events: events, isLast: true)
    }

    /// The last events before a place that a query asks for, oldest first.
    package func events(_ query: LogQuery, before end: LogPosition) -> LogPage {
        var events: [LogEvent] = []
        var bytes = 0
        let segments = segments()
        for (index, segment) in segments.enumerated().reversed() {
            guard segment.start <= end.segment,
                segment.start - LogSegment.disorder <= query.end.milliseconds
            else { continue }
            if index < segments.count - 1,
                segments[index + 1].start + LogSegment.disorder < query.start.milliseconds
            {
                break
            }
            var found: [LogEvent] = []
            segment.forEach(query) { event in
                guard event.position < end else { return false }
                found.append(event)
                return true
            }
            while let event = found.popLast() {
                bytes += event.message.utf8.count + 26
                guard events.count < query.limit, bytes <= LogPage.maximumBytes || events.isEmpty else {
                    return LogPage(events: events.reversed(), isLast: false)
                }
                events.append(event)
            }
        }
        return LogPage(events: events.reversed(), isLast: true)
    }

    /// Every process that has written something that is kept, in order of their names.
    package func streams() -> [LogStreamSummary] {
        var streams: [String: LogStreamSummary] = [:]
        for segment in segments() {
            segment.forEachLine { line in
                let before = streams[line.stream]
                streams[line.stream] = LogStreamSummary(
                    name: line.stream,
                    created: before?.created ?? line.timestamp,
                    firstEvent: before?.firstEvent ?? line.timestamp,
                    lastEvent: line.timestamp,
                    lastIngestion: line.ingestion
                )
                return true
            }
        }
        return streams.values.sorted { $0.name < $1.name }
    }
}
