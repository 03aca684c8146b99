import MillraceFunction

/// What one batch comes to: its alerts and its departures by route.
struct BatchSummary {
    struct Alert {
        let scheduled: String
        let carrier: String
        let flight: Int
        let route: String
        let delayMinutes: Int
    }

    /// From this delay on a departure is worth an alert.
    static let alertMinutes = 120

    private(set) var alerts: [Alert] = []
    private(set) var departuresByRoute: [String: Int] = [:]

    /// Counts a departure; a cancelled one counts for nothing.
    ///
    /// - Returns: The alert, if the departure is late enough for one.
    mutating func add(_ departure: Departure) -> Alert? {
        guard let delay = departure.delayMinutes else { return nil }
        let route = "\(departure.origin)-\(departure.destination)"
        departuresByRoute[route, default: 0] += 1
        guard delay >= Self.alertMinutes else { return nil }
        let alert = Alert(
            scheduled: departure.scheduled,
            carrier: departure.carrier,
            flight: departure.flight,
            route: route,
            delayMinutes: delay
        )
        alerts.append(alert)
        return alert
    }

    /// One line of JSON.
    ///
    /// A batch that is delivered again has the same sequence numbers.
    func line(for batch: RecordBatch) -> String {
        let alerts = alerts.map { alert in
            #"{"scheduled":"\#(alert.scheduled)","flight":"\#(alert.carrier)\#(alert.flight)","#
                + #""route":"\#(alert.route)","delay":\#(alert.delayMinutes)}"#
        }
        let routes = departuresByRoute.map { route, count in #""\#(route)":\#(count)"# }
        return #"{"shard":"\#(batch.shardID)","first":"\#(batch.first?.sequenceNumber ?? "")","#
            + #""last":"\#(batch.last?.sequenceNumber ?? "")","records":\#(batch.count),"#
            + #""alerts":[\#(alerts.joined(separator: ","))],"routes":{\#(routes.joined(separator: ","))}}"#
    }
}
