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
        guard let text = text(of: node), !text.isEmpty else {
            return refuse(key, "it must be text")
        }
        guard text.utf8.count <= maximumLength else {
            return refuse(key, "it may have \(maximumLength) bytes")
        }
        return text
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = values[key] else { return nil }
        guard let value = integer(of: node), range.contains(value) else {
            return refuse(key, "it must be a whole number, \(Self.bounds(range))")
        }
        return value
    }

    /// - Returns: `nil` also for -1, which stands for no limit.
    func limit(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = values[key] else { return nil }
        let value = integer(of: node)
        guard let value, value == -1 || range.contains(value) else {
            return refuse(key, "it must be -1 for no limit, or a whole number, \(Self.bounds(range))")
        }
        return value == -1 ? nil : value
    }

    /// - Returns: `nil` also for what is no number, which is not reported.
    func decimal(_ key: String) -> Double? {
        guard let node = values[key] else { return nil }
        return switch YAMLValue(node) {
        case .integer(let value): Double(value)
        case .decimal(let value): value
        case .text(let text): log.coerces ? Double(text) : nil
        case .null, .bool, .list, .map, .tagged: nil
        }
    }

    func bool(_ key: String) -> Bool? {
        guard let node = values[key] else { return nil }
        guard let value = bool(of: node) else { return refuse(key, "it must be true or false") }
        return value
    }

    /// The elements of a list, at most `count`.
    func list(_ key: String, atMost count: Int) -> [Node]? {
        guard let node = values[key] else { return nil }
        guard YAMLValue(node) == .list, case .sequence(let sequence) = node else {
            return refuse(key, "it must be a list")
        }
        guard sequence.count <= count else {
            log.add(at: node, "\(key) has \(sequence.count) elements; it may have \(count)")
            return nil
        }
        return Array(sequence)
    }

    /// A list of words, each one of `allowed` and none twice.
    func words(_ key: String, among allowed: [String]) -> [String]? {
        var words: [String] = []
        for node in list(key, atMost: allowed.count) ?? [] {
            guard let word = text(of: node), allowed.contains(word), !words.contains(word) else {
                let hint = NearestName.hint(for: text(of: node) ?? "", among: allowed)
                let rule = "it may have \(allowed.joined(separator: ", ")) once\(hint)"
                log.add(at: node, "\(key) has \(YAMLValue(node).shown); \(rule)")
                continue
            }
            words.append(word)
        }
        return words
    }

    /// A map whose keys are known.
    func map(_ key: String, keys: Keys) -> ManifestMap? {
        values[key].flatMap { ManifestMap($0, named: key, keys: keys, log: log) }
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

    private func text(of node: Node) -> String? {
        switch YAMLValue(node) {
        case .text(let text): text
        case .bool, .integer, .decimal: log.coerces ? node.scalar?.string : nil
        case .null, .list, .map, .tagged: nil
        }
    }

    private func integer(of node: Node) -> Int? {
        switch YAMLValue(node) {
        case .integer(let value): value
        case .text(let text): log.coerces ? Int(text) : nil
        case .null, .bool, .decimal, .list, .map, .tagged: nil
        }
    }

    private func bool(of node: Node) -> Bool? {
        switch YAMLValue(node) {
        case .bool(let value): value
        case .text(let text): log.coerces ? Bool(text) : nil
        case .null, .integer, .decimal, .list, .map, .tagged: nil
        }
    }

    private static func bounds(_ range: ClosedRange<Int>) -> String {
        "\(grouped(range.lowerBound))–\(grouped(range.upperBound))"
    }

    /// `10240` as `10,240`.
    private static func grouped(_ number: Int) -> String {
        number < 1000 ? "\(number)" : "\(number / 1000),\(String(number % 1000 + 1000).dropFirst())"
    }
}
