/// A stream's name: 1–128 of `a-zA-Z0-9_.-`, unique within the account and region.
package struct StreamName: Name {
    package let text: String

    package init(unchecked text: String) { self.text = text }

    package static func isValid(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ".") }
    }
}

/// A shard's name within its stream, such as `shardId-000000000003`: 1–128 of `a-zA-Z0-9_.-`.
package struct ShardID: Name {
    package let text: String

    package init(unchecked text: String) { self.text = text }

    /// The name Kinesis gives to the shard with this number.
    package init(number: Int) {
        let digits = String(number)
        text = "shardId-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    package static func isValid(_ text: String) -> Bool { StreamName.isValid(text) }
}

/// A function's name: 1–64 of `a-zA-Z0-9-_`.
package struct FunctionName: Name {
    package let text: String

    package init(unchecked text: String) { self.text = text }

    package static func isValid(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }
}

/// An event source mapping's UUID, in lower case.
package struct MappingID: Name {
    package let text: String

    package init(unchecked text: String) { self.text = text }

    package static func isValid(_ text: String) -> Bool {
        text.utf8.count == 36 && text.utf8.allSatisfy(isNameByte)
    }
}

/// One worker process, unique for each start, so that a restarted worker never passes for its former self.
package struct WorkerID: Name {
    package let text: String

    package init(unchecked text: String) { self.text = text }

    package static func isValid(_ text: String) -> Bool { (1...256).contains(text.utf8.count) }
}

/// A validated text that names one kind of thing.
package protocol Name: Hashable, Comparable, Sendable, Codable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    var text: String { get }

    /// Takes the text as it is; for names that come from our own storage.
    init(unchecked text: String)

    static func isValid(_ text: String) -> Bool
}

extension Name {
    /// - Returns: `nil` when the text breaks the rules of this kind of name.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        guard Self.isValid(text) else { return nil }
        self.init(unchecked: text)
    }

    package init(stringLiteral text: String) {
        precondition(Self.isValid(text), "a literal name follows the rules of names")
        self.init(unchecked: text)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard Self.isValid(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not a valid \(Self.self): \(text)"
            )
        }
        self.init(unchecked: text)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var description: String { text }

    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}
