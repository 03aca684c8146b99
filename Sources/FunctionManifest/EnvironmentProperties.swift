import Yams

/// Reads `Environment: {Variables: {NAME: value}}`.
enum EnvironmentProperties {
    /// Lambda's limit for all names and values together.
    private static let maximumBytes = 4096

    /// What the host sets for the handler.
    private static let reserved: Set<String> = [
        "_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    ]
    private static let reservedPrefix = "AWS_LAMBDA_"

    static func variables(in function: ManifestMap) -> [String: String] {
        guard let node = function["Environment"],
            let environment = ManifestMap(node, named: "Environment", keys: keys, log: function.log),
            let variables = environment["Variables"]
        else { return [:] }
        guard case .mapping(let mapping) = variables else {
            return environment.refuse("Variables", "it must be a map") ?? [:]
        }
        let pairs = mapping.compactMap { key, value in pair(key, value, log: function.log) }
        let bytes = pairs.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        if bytes > maximumBytes {
            function.log.add(at: variables, "the variables have \(bytes) bytes together; the limit is 4,096")
        }
        return Dictionary(pairs.map { ($0.name, $0.value) }) { first, _ in first }
    }

    private static let keys = ManifestMap.Keys(supported: ["Variables"], unsupported: [])

    private static func pair(_ key: Node, _ value: Node, log: ProblemLog) -> (name: String, value: String)? {
        guard let name = key.scalar?.string, isName(name) else {
            let shown = key.scalar?.string ?? YAMLValue(key).shown
            log.add(at: key, "\(shown) is no name of a variable: a letter, then letters, digits or _")
            return nil
        }
        guard !reserved.contains(name), !name.hasPrefix(reservedPrefix) else {
            log.add(at: key, "variable \(name) is set by the host")
            return nil
        }
        // As written: `PORT: 8080` and `DEBUG: true` are common, and a variable is text in any case.
        let shown = YAMLValue(value)
        let isScalar =
            switch shown {
            case .text, .bool, .integer, .decimal: true
            case .null, .list, .map, .tagged: false
            }
        guard isScalar, let text = value.scalar?.string, !text.utf8.contains(0) else {
            log.add(at: value, "variable \(name) is \(shown.shown); it must be text, a number, true or false")
            return nil
        }
        return (name, text)
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetter || text.hasPrefix("_") else { return false }
        return text.utf8.allSatisfy { $0.isLetter || $0 == UInt8(ascii: "_") || (48...57).contains($0) }
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (65...90).contains(self) || (97...122).contains(self) }
}
