import Foundation

/// What an independent reader of the journal makes of a run.
struct ScalingVerdict: Encodable {
    /// How long shards stood still when they went to another worker.
    struct HandOvers: Encodable {
        let cause: String
        let count: Int
        let medianMilliseconds: Double
        let worstMilliseconds: Double
    }

    let records: Int
    let lost: Int
    let outOfOrder: Int
    let repeats: Int
    /// Of other batches than the one that a killed worker had in flight.
    let unexplainedRepeats: Int
    let handOvers: [HandOvers]
    /// The longest that any shard stood still.
    let longestStandstillMilliseconds: Double
    var problems: [String] = []

    /// - Parameters:
    ///   - acknowledged: The highest number of each key that was put.
    ///   - limit: The longest that a shard may stand still.
    init(_ journal: Journal, acknowledged: [Int], events: [ScalingEvent], limit: Duration) {
        let reading = Reading(journal, events: events)
        records = acknowledged.reduce(0, +)
        lost = acknowledged.enumerated().reduce(0) { lost, entry in
            lost + entry.element - (reading.delivered[entry.offset]?.count ?? 0)
        }
        outOfOrder = reading.outOfOrder
        repeats = reading.repeats
        unexplainedRepeats = reading.unexplained.count
        handOvers = ScalingEvent.Cause.allCases.compactMap { cause in
            let times = reading.handOvers.filter { $0.cause == cause }.map(\.milliseconds).sorted()
            guard let worst = times.last else { return nil }
            return HandOvers(
                cause: cause.rawValue,
                count: times.count,
                medianMilliseconds: times[times.count / 2],
                worstMilliseconds: worst
            )
        }
        longestStandstillMilliseconds = reading.longestStandstill

        if lost > 0 { problems.append("\(lost) records were lost") }
        if outOfOrder > 0 { problems.append("\(outOfOrder) records came out of order") }
        problems += reading.unexplained.prefix(5)
        if unexplainedRepeats > 5 { problems.append("… and \(unexplainedRepeats - 5) more repeats") }
        let limitMilliseconds = limit / .milliseconds(1)
        if longestStandstillMilliseconds > limitMilliseconds {
            problems.append(
                "a shard stood still for \(Int(longestStandstillMilliseconds)) ms, \(Int(limitMilliseconds)) allowed"
            )
        }
    }
}

/// Something that was done to the fleet.
struct ScalingEvent {
    enum Cause: String, CaseIterable {
        case kill
        case add
        case drain
    }

    let cause: Cause
    let nanoseconds: UInt64
    /// The pid of the worker.
    let worker: Int32
}

/// One pass over the deliveries.
private struct Reading {
    var delivered: [Int: Set<Int>] = [:]
    var outOfOrder = 0
    var repeats = 0
    var unexplained: [String] = []
    var handOvers: [(cause: ScalingEvent.Cause, milliseconds: Double)] = []
    var longestStandstill = 0.0

    init(_ journal: Journal, events: [ScalingEvent]) {
        let killed = Dictionary(
            events.filter { $0.cause == .kill }.map { ($0.worker, $0.nanoseconds) },
            uniquingKeysWith: { first, _ in first }
        )
        var newest: [Int: Int] = [:]
        var owner: [Journal.Token: Journal.Delivery] = [:]
        var last: [String: Journal.Delivery] = [:]
        /// The last invocation of each shard by each worker.
        var lastOf: [String: String] = [:]
        for delivery in journal.deliveries {
            lastOf["\(delivery.shard) \(delivery.host)"] = delivery.requestID
        }
        for delivery in journal.deliveries {
            if let before = last[delivery.shard] { note(before, delivery, events) }
            last[delivery.shard] = delivery
            for token in delivery.records {
                if delivered[token.key, default: []].insert(token.number).inserted {
                    // What comes for the first time comes in order.
                    if token.number != newest[token.key, default: 0] + 1 { outOfOrder += 1 }
                    newest[token.key] = token.number
                } else if let first = owner[token] {
                    repeats += 1
                    let wasInFlight =
                        killed[first.host] != nil
                        && lastOf["\(first.shard) \(first.host)"] == first.requestID
                    if !wasInFlight {
                        unexplained.append(
                            """
                            record \(token.key):\(token.number) of \(first.shard) went to worker \(first.host) and, \
                            \((delivery.nanoseconds - first.nanoseconds) / 1_000_000) ms later, to \(delivery.host)
                            """
                        )
                    }
                }
                owner[token] = delivery
            }
        }
    }

    private mutating func note(
        _ before: Journal.Delivery,
        _ after: Journal.Delivery,
        _ events: [ScalingEvent]
    ) {
        let milliseconds = Double(after.nanoseconds - before.nanoseconds) / 1e6
        longestStandstill = max(longestStandstill, milliseconds)
        guard before.host != after.host else { return }
        // A killed worker's shards are owed to its end, whatever else has happened meanwhile.
        let cause =
            events.last {
                $0.worker == before.host && $0.cause != .add && $0.nanoseconds <= after.nanoseconds
            }
            ?? events.last { $0.nanoseconds <= after.nanoseconds }
        if let cause { handOvers.append((cause.cause, milliseconds)) }
    }
}
