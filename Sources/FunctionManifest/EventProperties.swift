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
            guard let map = properties(value, named: name, log: function.log),
                let source = KinesisProperties(map, named: "event \(name)", names: names).source()
            else { return nil }
            if let first = streams.updateValue(name, forKey: source.stream) {
                function.log.add(
                    at: key,
                    "event \(name) names stream \(source.stream), as event \(first) does"
                )
            }
            return source
        }
    }

    /// The properties of one event, which is of type Kinesis.
    private static func properties(_ node: Node, named name: String, log: ProblemLog) -> ManifestMap? {
        guard let event = ManifestMap(node, named: "event \(name)", keys: eventKeys, log: log) else {
            return nil
        }
        event.require("Type", of: "event \(name)")
        event.require("Properties", of: "event \(name)")
        if event.has("Type") {
            guard let type = event.text("Type") else { return nil }
            guard type == "Kinesis" else { return event.refuse("Type", typeRule(for: type)) }
        }
        guard let properties = event["Properties"] else { return nil }
        return ManifestMap(properties, named: "event \(name)", keys: KinesisProperties.keys, log: log)
    }

    private static func typeRule(for type: String) -> String {
        guard !otherTypes.contains(type) else {
            return "this type is not supported by this version, only Kinesis is"
        }
        return "it must be Kinesis"
    }
}
