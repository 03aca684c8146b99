/// Collects the rules of the service model that a request breaks, so that its sender learns of all at once.
struct RequestChecks {
    /// The service names at most this many in one message.
    private static let maximumNamed = 10
    /// Longer values are cut in messages.
    private static let maximumValueCharacters = 1_024

    private var violations: [String] = []

    func finish() throws(LambdaError) {
        guard !violations.isEmpty else { return }
        let named = violations.prefix(Self.maximumNamed)
        let plural = named.count == 1 ? "" : "s"
        throw LambdaError(
            .validation,
            "\(named.count) validation error\(plural) detected: \(named.joined(separator: "; "))"
        )
    }

    /// - Parameter value: As the service prints it; `nil` for a missing one.
    mutating func refuse(_ value: String?, at path: String, _ constraint: String) {
        let shown = value.map { "'\($0.prefix(Self.maximumValueCharacters))'" } ?? "null"
        violations.append("Value \(shown) at '\(path)' failed to satisfy constraint: \(constraint)")
    }

    mutating func require(_ value: Any?, at path: String) {
        if value == nil { refuse(nil, at: path, "Member must not be null") }
    }

    mutating func number(_ value: Int?, at path: String, in range: ClosedRange<Int>) {
        guard let value else { return }
        if value < range.lowerBound {
            refuse(
                "\(value)",
                at: path,
                "Member must have value greater than or equal to \(range.lowerBound)"
            )
        }
        if value > range.upperBound {
            refuse("\(value)", at: path, "Member must have value less than or equal to \(range.upperBound)")
        }
    }

    mutating func text(_ value: String?, at path: String, length: ClosedRange<Int>) {
        guard let value else { return }
        self.length(value.unicodeScalars.count, of: value, at: path, in: length)
    }

    mutating func list(_ value: [String]?, at path: String, length: ClosedRange<Int>) {
        guard let value else { return }
        self.length(value.count, of: "[\(value.joined(separator: ", "))]", at: path, in: length)
    }

    mutating func length(_ count: Int, of value: String, at path: String, in range: ClosedRange<Int>) {
        if count < range.lowerBound {
            refuse(value, at: path, "Member must have length greater than or equal to \(range.lowerBound)")
        }
        if count > range.upperBound {
            refuse(value, at: path, "Member must have length less than or equal to \(range.upperBound)")
        }
    }

    mutating func oneOf(_ names: [String], _ value: String?, at path: String) {
        guard let value, !names.contains(value) else { return }
        refuse(value, at: path, "Member must satisfy enum value set: [\(names.joined(separator: ", "))]")
    }

    /// - Parameter expression: As the message shows it; `isMatch` is what counts.
    mutating func pattern(
        _ value: String?,
        at path: String,
        _ expression: String,
        _ isMatch: (String) -> Bool
    ) {
        guard let value, !isMatch(value) else { return }
        refuse(value, at: path, "Member must satisfy regular expression pattern: \(expression)")
    }
}
