/// Steps through the fields of one JSON object whose values are strings without escapes, whole numbers, `true`, `false` or `null`.
///
/// Nothing is copied: a field lies in the bytes that were given, and is valid no longer than they are.
struct FlatJSONScanner {
    struct Field {
        fileprivate let name: UnsafeRawBufferPointer.SubSequence
        fileprivate let value: UnsafeRawBufferPointer.SubSequence

        func isNamed(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { name.elementsEqual($0) }
        }

        var text: String { String(decoding: value, as: UTF8.self) }

        /// `nil` for `null` and whatever else is not a whole number.
        var integer: Int? { Int(text) }
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// Whether the object was read to its closing brace.
    ///
    /// `false` after `next()` gave `nil` means malformed JSON.
    private(set) var isAtEnd = false

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next field, or `nil` at the end of the object and where the bytes are not what this scanner reads.
    mutating func next() -> Field? {
        let isFirst = position == 0
        guard !isAtEnd, skip(isFirst ? "{" : ",") else {
            isAtEnd = isAtEnd || !isFirst && skip("}")
            return nil
        }
        guard let name = string(), skip(":"), let value = string() ?? literal() else { return nil }
        return Field(name: name, value: value)
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    }

    private mutating func string() -> UnsafeRawBufferPointer.SubSequence? {
        guard skip("\"") else { return nil }
        let rest = bytes[position...]
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")), !rest[..<end].contains(UInt8(ascii: "\\"))
        else {
            return nil
        }
        position = end + 1
        return rest[..<end]
    }

    private mutating func literal() -> UnsafeRawBufferPointer.SubSequence? {
        skipSpace()
        let literal = bytes[position...].prefix { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        position = literal.endIndex
        return literal.isEmpty ? nil : literal
    }
}
