import StreamCore
import Yams

/// Reads `Tags: {KEY: value}`.
enum TagProperties {
    private static let maximumCount = 50

    static func tags(in map: ManifestMap) -> [String: String] {
        guard let node = map["Tags"] else { return [:] }
        guard YAMLValue(node) == .map, case .mapping(let mapping) = node else {
            return map.refuse("Tags", "it must be a map") ?? [:]
        }
        if mapping.count > maximumCount {
            map.log.add(at: node, "there are \(mapping.count) tags; the limit is \(maximumCount)")
        }
        var tags: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string, (1...128).contains(name.count), !name.hasPrefix("aws:")
            else {
                let rule = "a tag's key has 1–128 characters and does not begin with aws:"
                map.log.add(at: key, "\(YAMLValue(key).shown) is no key of a tag; \(rule)")
                continue
            }
            // As written: a tag is text in any case.
            guard let text = text(of: value), text.count <= 256 else {
                let rule = "it must be text of at most 256 characters"
                map.log.add(at: value, "tag \(name) is \(YAMLValue(value).shown); \(rule)")
                continue
            }
            tags[name] = text
        }
        return tags
    }

    private static func text(of node: Node) -> String? {
        if case .tagged = YAMLValue(node) { return nil }
        return node.scalar?.string
    }
}
