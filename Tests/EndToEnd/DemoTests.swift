import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct DemoTests {
        @Test func `the demo's figures are those of the file`() async throws {
            try await withTemporaryDirectory { root in
                let directory = root + "/demo"

                let demo = try await run(
                    Repository.python,
                    [
                        "-B", Repository.functions.appendingPathComponent("demo.py").path,
                        "--millrace", Repository.millrace.path, "--python", Repository.python.path,
                        "--directory", directory,
                    ],
                    within: .seconds(900)
                )

                try #require(demo.isSuccess, "\(demo.standardError)\(demo.standardOutput)")
                let printed = try FileManager.default.contents(atPath: directory + "/figures.json").map {
                    try JSONDecoder().decode(DemoFigures.self, from: $0)
                }
                let departures = try Departure.readAll()
                #expect(departures.count == 6_099)
                #expect(try #require(printed) == DemoFigures(recomputedFrom: departures))
            }
        }
    }
}

/// A line of the flights file.
private struct Departure: Decodable {
    let scheduled: String
    let carrier: String
    let flight: Int
    let origin: String
    let dest: String
    let departureDelay: Int?
    let arrivalDelay: Int?

    private enum CodingKeys: String, CodingKey {
        case scheduled, carrier, flight, origin, dest
        case departureDelay = "dep_delay"
        case arrivalDelay = "arr_delay"
    }

    static func readAll() throws -> [Departure] {
        let file = Repository.functions.appendingPathComponent("flights/flights-first-week.jsonl")
        return try StreamRecord.decodeLines(Data(contentsOf: file))
    }
}

/// What `demo.py` writes to `figures.json`.
private struct DemoFigures: Decodable, Equatable {
    struct DelayAlerts: Decodable, Equatable {
        struct Alert: Decodable, Hashable {
            let scheduled: String
            let flight: String
            let route: String
            let delay: Int
        }

        let records: Int
        let alerts: Set<Alert>
        let routes: [String: Int]
    }

    struct CarrierDelays: Decodable, Equatable {
        struct Sums: Decodable, Equatable {
            var flights = 0
            var late = 0
            var cancelled = 0
            var arrived = 0
            var arrivalDelay = 0
        }

        let records: Int
        let carriers: [String: Sums]
    }

    struct BusiestHours: Decodable, Equatable {
        let records: Int
        let hours: [String: Int]
    }

    let delayAlerts: DelayAlerts
    let carrierDelays: CarrierDelays
    let busiestHours: BusiestHours

    private enum CodingKeys: String, CodingKey {
        case delayAlerts = "delay-alerts"
        case carrierDelays = "carrier-delays"
        case busiestHours = "busiest-hours"
    }

    init(recomputedFrom departures: [Departure]) {
        var alerts: Set<DelayAlerts.Alert> = []
        var routes: [String: Int] = [:]
        var carriers: [String: CarrierDelays.Sums] = [:]
        var hours: [String: Int] = [:]
        for departure in departures {
            carriers[departure.carrier, default: .init()].flights += 1
            if let arrivalDelay = departure.arrivalDelay {
                carriers[departure.carrier, default: .init()].arrived += 1
                carriers[departure.carrier, default: .init()].arrivalDelay += arrivalDelay
            }
            guard let delay = departure.departureDelay else {
                carriers[departure.carrier, default: .init()].cancelled += 1
                continue
            }
            let route = "\(departure.origin)-\(departure.dest)"
            routes[route, default: 0] += 1
            hours["\(departure.origin) \(departure.scheduled.dropFirst(11).prefix(2))", default: 0] += 1
            if delay > 15 { carriers[departure.carrier, default: .init()].late += 1 }
            if delay >= 120 {
                let flight = departure.carrier + String(departure.flight)
                alerts.insert(
                    .init(scheduled: departure.scheduled, flight: flight, route: route, delay: delay)
                )
            }
        }
        delayAlerts = DelayAlerts(records: departures.count, alerts: alerts, routes: routes)
        carrierDelays = CarrierDelays(records: departures.count, carriers: carriers)
        busiestHours = BusiestHours(records: departures.count, hours: hours)
    }
}
