/// Any JSON, for options that are looked at only to see whether they ask for something.
enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    /// Whether it asks for nothing: null, `""`, `false`, an empty list or object, or one whose members all ask for nothing.
    var isNothing: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .number: false
        case .text(let text): text.isEmpty
        case .list(let values): values.isEmpty
        case .object(let members): members.values.allSatisfy(\.isNothing)
        }
    }

    subscript(_ member: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[member]
    }
}

extension JSONValue: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let values = try? container.decode([JSONValue].self) {
            self = .list(values)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}
