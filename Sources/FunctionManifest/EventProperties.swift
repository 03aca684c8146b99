import StreamCore
import Yams

/// Reads `Events`: each of type Kinesis is an event source.
enum EventProperties {
    static func sources(in function: ManifestMap, names: ResourceNames) -> [EventSource] {
        guard let node = function["Events"] else { return [] }
        guard case .mapping(let events) = node else {
            return function.refuse("Events", "it must be a map") ?? []
        }
        var streams: [StreamName: String] = [:]
        return events.compactMap { key, value in
            let name = key.scalar?.string ?? YAMLValue(key).shown
            guard let source = source(value, named: name, names: names, log: function.log) else { return nil }
            if let first = streams.updateValue(name, forKey: source.stream) {
                function.log.add(
                    at: key,
                    "event \(name) names stream \(source.stream), as event \(first) does"
                )
            }
            return source
        }
    }

    private static func source(
        _ node: Node,
        named name: String,
        names: ResourceNames,
        log: ProblemLog
    ) -> EventSource? {
        guard let event = ManifestMap(node, named: "event \(name)", keys: eventKeys, log: log) else {
            return nil
        }
        event.require("Type", of: "event \(name)")
        event.require("Properties", of: "event \(name)")
        if event.has("Type") {
            guard let type = event.text("Type") else { return nil }
            guard type == "Kinesis" else { return event.refuse("Type", typeRule(for: type)) }
        }
        guard let properties = event["Properties"],
            let map = ManifestMap(properties, named: "event \(name)", keys: kinesisKeys, log: log)
        else { return nil }
        map.require("Stream", of: "event \(name)")
        map.require("StartingPosition", of: "event \(name)")

        let stream = stream(in: map, names: names)
        let start = startingPosition(in: map)
        let batchSize = map.integer("BatchSize", in: 1...10_000)
        let window = map.integer("MaximumBatchingWindowInSeconds", in: 0...300)
        let isEnabled = map.bool("Enabled")
        guard let stream, let start else { return nil }
        return EventSource(
            stream: stream,
            startingPosition: start,
            batchSize: batchSize ?? 100,
            batchWindowSeconds: window ?? 0,
            isEnabled: isEnabled ?? true
        )
    }

    private static func typeRule(for type: String) -> String {
        guard !otherTypes.contains(type) else {
            return "this type is not supported by this version, only Kinesis is"
        }
        return "it must be Kinesis"
    }

    private static func stream(in map: ManifestMap, names: ResourceNames) -> StreamName? {
        guard let text = map.text("Stream") else { return nil }
        let rule = "it must be a stream's name (1–128 of a-z A-Z 0-9 _ . -) or its ARN"
        guard let stream = ResourceNames.streamName(in: text) else { return map.refuse("Stream", rule) }
        guard let rule = foreignRule(text, names: names) else { return stream }
        return map.refuse("Stream", rule)
    }

    /// Why an ARN names no stream of this host; `nil` when it may, and for a plain name.
    private static func foreignRule(_ text: String, names: ResourceNames) -> String? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count > 5 else { return nil }
        let others = [("region", fields[3], names.region), ("account", fields[4], names.account)]
            .filter { $1 != $2 }
            .map { "\($0) \($1), and this host's is \($2)" }
        return others.isEmpty ? nil : "it names \(others.joined(separator: "; "))"
    }

    private static func startingPosition(in map: ManifestMap) -> StartingPosition? {
        let time = timestamp(in: map)
        guard let text = map.text("StartingPosition") else { return nil }
        guard positions.contains(text) else {
            let hint = NearestName.hint(for: text, among: positions)
            return map.refuse("StartingPosition", "it must be \(positions.joined(separator: ", "))\(hint)")
        }
        guard text == "AT_TIMESTAMP" else {
            guard !map.has("StartingPositionTimestamp") else {
                return map.refuse(
                    "StartingPositionTimestamp",
                    "it goes with StartingPosition AT_TIMESTAMP only"
                )
            }
            return text == "LATEST" ? .latest : .trimHorizon
        }
        map.require("StartingPositionTimestamp", of: "StartingPosition AT_TIMESTAMP")
        return time.map(StartingPosition.atTimestamp)
    }

    private static let positions = ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]

    /// Unix seconds, with a fraction if need be.
    private static func timestamp(in map: ManifestMap) -> Timestamp? {
        guard let node = map["StartingPositionTimestamp"] else { return nil }
        let limit = 253_402_300_799  // the end of the year 9999
        switch YAMLValue(node) {
        case .integer(let seconds) where (0...limit).contains(seconds):
            return Timestamp(milliseconds: Int64(seconds) * 1000)
        case .decimal(let seconds) where seconds >= 0 && seconds <= Double(limit):
            return Timestamp(milliseconds: Int64((seconds * 1000).rounded()))
        default:
            return map.refuse("StartingPositionTimestamp", "it must be Unix seconds")
        }
    }
}
