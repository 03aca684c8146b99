import Yams

/// A map of the document whose keys are known: reads values by type and range, and reports what is wrong.
///
/// Each reading method returns `nil` when the key is absent, and when it is wrong and has been reported.
struct ManifestMap {
    /// The keys that a map may have, and those of SAM and Lambda that this version does not carry out.
    struct Keys {
        let supported: [String]
        let unsupported: [String]
    }

    let node: Node
    let log: ProblemLog
    private let values: [String: Node]

    /// Reports every key that is unknown or unsupported.
    ///
    /// - Returns: `nil` when the node is not a map, which is reported.
    init?(_ node: Node, named name: String, keys: Keys, log: ProblemLog) {
        guard case .mapping(let mapping) = node, YAMLValue(node) == .map else {
            log.add(at: node, "\(name) is \(YAMLValue(node).shown); it must be a map")
            return nil
        }
        self.node = node
        self.log = log
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            guard let text = key.scalar?.string, keys.supported.contains(text) else {
                log.add(at: key, Self.refusal(of: key, in: name, keys: keys))
                continue
            }
            values[text] = value
        }
        self.values = values
    }

    private static func refusal(of key: Node, in name: String, keys: Keys) -> String {
        guard let text = key.scalar?.string else {
            return "\(name) has a key that is \(YAMLValue(key).shown)"
        }
        if keys.unsupported.contains(text) { return "\(text) is not supported by this version" }
        let hint = NearestName.hint(for: text, among: keys.supported + keys.unsupported)
        return "\(text) is not a key of \(name)\(hint)"
    }

    subscript(key: String) -> Node? { values[key] }

    /// The place of a key's value, or of the map while the key is absent.
    func place(of key: String) -> ManifestProblem.Place? { (values[key] ?? node).place }

    func has(_ key: String) -> Bool { values[key] != nil }

    /// Reports a required key that is absent.
    func require(_ key: String, of name: String) {
        if !has(key) { log.add(at: node, "\(name) needs \(key)") }
    }

    func text(_ key: String, maximumLength: Int = 1024) -> String? {
        guard let node = values[key] else { return nil }
        guard case .text(let text) = YAMLValue(node), !text.isEmpty else {
            return refuse(key, "it must be text")
        }
        guard text.utf8.count <= maximumLength else {
            return refuse(key, "it may have \(maximumLength) bytes")
        }
        return text
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = values[key] else { return nil }
        guard case .integer(let value) = YAMLValue(node), range.contains(value) else {
            let bounds = "\(Self.grouped(range.lowerBound))–\(Self.grouped(range.upperBound))"
            return refuse(key, "it must be a whole number, \(bounds)")
        }
        return value
    }

    func bool(_ key: String) -> Bool? {
        guard let node = values[key] else { return nil }
        guard case .bool(let value) = YAMLValue(node) else { return refuse(key, "it must be true or false") }
        return value
    }

    /// Reports that the key's value is not what it must be.
    func refuse<Value>(_ key: String, _ rule: String) -> Value? {
        guard let node = values[key] else { return nil }
        let value = YAMLValue(node)
        if case .tagged(let tag) = value {
            log.add(at: node, "\(key) uses \(tag), which is not supported by this version; \(rule)")
        } else {
            log.add(at: node, "\(key) is \(value.shown); \(rule)")
        }
        return nil
    }

    /// `10240` as `10,240`.
    private static func grouped(_ number: Int) -> String {
        number < 1000 ? "\(number)" : "\(number / 1000),\(String(number % 1000 + 1000).dropFirst())"
    }
}
