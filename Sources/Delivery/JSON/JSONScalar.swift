import ByteCoding

/// A value that is no object and no list, lent from the text around it.
struct JSONScalar {
    enum Kind {
        case string
        /// A string with half of a surrogate pair in it, which no text in a pattern equals.
        case unreadableString
        case number
        case `true`
        case `false`
        case null
    }

    let kind: Kind
    /// A string's characters as UTF-8, a number as it is written.
    let bytes: UnsafeRawBufferPointer

    init(_ kind: Kind, _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        self.kind = kind
        self.bytes = bytes
    }
}

extension JSONCursor {
    /// Consumes a value that is no object and no list, and lends it.
    @inline(__always)
    mutating func scalar<Result>(_ body: (JSONScalar) -> Result) throws(MalformedJSON) -> Result {
        switch peek() {
        case UInt8(ascii: "\""):
            return withCharacters(of: try string()) { characters in
                body(characters.map { JSONScalar(.string, $0) } ?? JSONScalar(.unreadableString))
            }
        case UInt8(ascii: "t"):
            try literal("true")
            return body(JSONScalar(.true))
        case UInt8(ascii: "f"):
            try literal("false")
            return body(JSONScalar(.false))
        case UInt8(ascii: "n"):
            try literal("null")
            return body(JSONScalar(.null))
        default: return body(JSONScalar(.number, bytes(of: try number())))
        }
    }

    /// Lends a string with its escapes resolved; `nil` when half of a surrogate pair is among them.
    @inline(__always)
    func withCharacters<Result>(
        of text: JSONText,
        _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        text.hasEscapes ? withUnescaped(bytes(of: text), body) : body(bytes(of: text))
    }

    private func withUnescaped<Result>(
        _ source: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: source.count, alignment: 1) { target in
            guard let base = target.baseAddress, let count = JSONUnescaping.unescape(source, to: base) else {
                return body(nil)
            }
            return body(UnsafeRawBufferPointer(rebasing: target[..<count]))
        }
    }
}

extension Double {
    /// Reads a JSON number.
    init(jsonNumber text: UnsafeRawBufferPointer) {
        self = Self.exact(text) ?? Double(String(decoding: text, as: UTF8.self)) ?? .nan
    }

    /// Up to 15 digits without an exponent: whole number and power of ten are both exact, and so one division rounds
    /// correctly.
    private static func exact(_ text: UnsafeRawBufferPointer) -> Double? {
        guard text.count <= 17 else { return nil }
        var whole: Int64 = 0
        var digits = 0
        var divisor: Double?
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                whole = whole * 10 + Int64(byte - UInt8(ascii: "0"))
                digits += 1
                divisor = divisor.map { $0 * 10 }
            case UInt8(ascii: "."): divisor = 1
            case UInt8(ascii: "-"): continue
            default: return nil
            }
        }
        guard digits <= 15 else { return nil }
        let value = Double(whole) / (divisor ?? 1)
        return text.first == UInt8(ascii: "-") ? -value : value
    }
}
