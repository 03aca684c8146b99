/// Reads the list at a leaf of a pattern: values, and objects with one operator each.
///
/// What is wrong is kept as a reason, and reading goes on, so that everything can be told at once.
struct LeafReader {
    static let operators = [
        "anything-but", "equals-ignore-case", "exists", "numeric", "prefix", "suffix",
    ]

    /// What a value may be, for the tests that are kept with those of other leaves.
    private(set) var tests: [ValueTest] = []
    /// Whether a record without the field passes too: `{"exists": false}`.
    private(set) var acceptsAbsence = false
    private(set) var reasons: [String] = []

    init(_ list: [JSONTree], pool: inout ValueTests) {
        if list.isEmpty { reasons.append("an empty list matches nothing; name a value") }
        for entry in list { read(entry, &pool) }
    }

    private mutating func read(_ entry: JSONTree, _ pool: inout ValueTests) {
        switch entry {
        case .object(let members):
            guard members.count == 1, let member = members.first else {
                return refuse("an object in a list has one operator, one of \(Self.allowed)")
            }
            read(member.name, member.value, &pool)
        case .list: refuse("a list in a list matches nothing; give values, or operators as objects")
        case .string, .number, .bool, .null:
            if let test = equality(entry, &pool) { tests.append(test) }
        }
    }

    private mutating func read(_ name: String, _ operand: JSONTree, _ pool: inout ValueTests) {
        switch (name, operand) {
        case ("exists", .bool(true)): tests.append(.exists)
        case ("exists", .bool(false)): acceptsAbsence = true
        case ("exists", _): refuse("\"exists\" takes true or false")
        case ("prefix", .string(let text)): tests.append(.prefix(pool.addText(text)))
        case ("suffix", .string(let text)): tests.append(.suffix(pool.addText(text)))
        case ("equals-ignore-case", .string(let text)):
            tests.append(.stringIgnoringCase(pool.addText(text.lowercased())))
        case ("prefix", _), ("suffix", _), ("equals-ignore-case", _): refuse("\"\(name)\" takes a string")
        case ("numeric", .list(let list)):
            switch Self.range(list) {
            case .success(let range): tests.append(.numeric(range))
            case .failure(let error): refuse(error.reason)
            }
        case ("numeric", _): refuse(NumericError.form.reason)
        case ("anything-but", .list(let list)): readAnythingBut(list, &pool)
        case ("anything-but", _): readAnythingBut([operand], &pool)
        default: refuse("\"\(InvalidFilter.shortened(name))\" is no operator; use one of \(Self.allowed)")
        }
    }

    private mutating func readAnythingBut(_ list: [JSONTree], _ pool: inout ValueTests) {
        let excluded = list.compactMap { equality($0, &pool) }
        let areStrings = excluded.allSatisfy { if case .string = $0 { true } else { false } }
        let areNumbers = excluded.allSatisfy { if case .number = $0 { true } else { false } }
        guard !list.isEmpty, excluded.count == list.count, areStrings || areNumbers else {
            return refuse("\"anything-but\" takes strings or numbers, one or a list, not both kinds")
        }
        tests.append(.anythingBut(pool.addExcluded(excluded)))
    }

    /// - Returns: `nil` for an object or a list.
    private func equality(_ value: JSONTree, _ pool: inout ValueTests) -> ValueTest? {
        switch value {
        case .string(let text): .string(pool.addText(text))
        case .number(let text): .number(pool.addText(text))
        case .bool(let bool): .bool(bool)
        case .null: .null
        case .object, .list: nil
        }
    }

    private mutating func refuse(_ reason: String) { reasons.append(reason) }

    private static var allowed: String { operators.map { "\"\($0)\"" }.joined(separator: ", ") }
}

extension LeafReader {
    private enum NumericError: Error {
        case form
        case empty

        var reason: String {
            switch self {
            case .form:
                #""numeric" takes ["=", n], [">", n] or [">=", n], ["<", n] or ["<=", n], or a lower and then an upper bound"#
            case .empty: "no number lies between the bounds of \"numeric\""
            }
        }
    }

    private static func range(_ list: [JSONTree]) -> Result<NumericRange, NumericError> {
        guard list.count == 2 || list.count == 4 else { return .failure(.form) }
        var range = NumericRange()
        for index in stride(from: 0, to: list.count, by: 2) {
            guard case .string(let comparison) = list[index], case .number(let text) = list[index + 1],
                let value = Double(text)
            else { return .failure(.form) }
            switch comparison {
            case "=" where list.count == 2: (range.lower, range.upper) = (value, value)
            case ">" where index == 0, ">=" where index == 0:
                (range.lower, range.includesLower) = (value, comparison == ">=")
            case "<" where index == list.count - 2, "<=" where index == list.count - 2:
                (range.upper, range.includesUpper) = (value, comparison == "<=")
            default: return .failure(.form)
            }
        }
        return range.isEmpty ? .failure(.empty) : .success(range)
    }
}
