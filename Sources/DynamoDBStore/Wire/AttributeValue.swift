import Foundation

/// One value of an item, as DynamoDB's JSON has it: `{"S": "text"}`, `{"N": "7"}`, `{"B": base64}`.
enum AttributeValue: Hashable, Sendable {
    case string(String)
    /// Decimal digits, as numbers pass 64 bits.
    case number(String)
    case bytes(Data)
    case flag(Bool)
    case strings(Set<String>)
    case list([AttributeValue])
    case map([String: AttributeValue])
    case null

    static func number(_ value: UInt64) -> AttributeValue { .number(String(value)) }
    static func number(_ value: Int64) -> AttributeValue { .number(String(value)) }
    static func number(_ value: Double) -> AttributeValue { .number(String(value)) }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var digits: String? { if case .number(let digits) = self { digits } else { nil } }
    var unsigned: UInt64? { digits.flatMap { UInt64($0) } }
    var signed: Int64? { digits.flatMap { Int64($0) } }
    var double: Double? { digits.flatMap { Double($0) } }
    var data: Data? { if case .bytes(let bytes) = self { bytes } else { nil } }
    var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
    var strings: Set<String>? { if case .strings(let texts) = self { texts } else { nil } }
    var list: [AttributeValue]? { if case .list(let values) = self { values } else { nil } }
    var map: [String: AttributeValue]? { if case .map(let values) = self { values } else { nil } }
}

/// A row of a table.
typealias Item = [String: AttributeValue]

extension AttributeValue: Codable {
    private enum Kind: String, CodingKey {
        case S, N, B, BOOL, SS, L, M, NULL
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Kind.self)
        switch container.allKeys.first {
        case .S: self = .string(try container.decode(String.self, forKey: .S))
        case .N: self = .number(try container.decode(String.self, forKey: .N))
        case .B: self = .bytes(try container.decode(Data.self, forKey: .B))
        case .BOOL: self = .flag(try container.decode(Bool.self, forKey: .BOOL))
        case .SS: self = .strings(try container.decode(Set<String>.self, forKey: .SS))
        case .L: self = .list(try container.decode([AttributeValue].self, forKey: .L))
        case .M: self = .map(try container.decode([String: AttributeValue].self, forKey: .M))
        // Sets of numbers or bytes appear in nobody's rows here.
        case .NULL, nil: self = .null
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Kind.self)
        switch self {
        case .string(let text): try container.encode(text, forKey: .S)
        case .number(let digits): try container.encode(digits, forKey: .N)
        case .bytes(let bytes): try container.encode(bytes, forKey: .B)
        case .flag(let flag): try container.encode(flag, forKey: .BOOL)
        case .strings(let texts): try container.encode(texts.sorted(), forKey: .SS)
        case .list(let values): try container.encode(values, forKey: .L)
        case .map(let values): try container.encode(values, forKey: .M)
        case .null: try container.encode(true, forKey: .NULL)
        }
    }
}
