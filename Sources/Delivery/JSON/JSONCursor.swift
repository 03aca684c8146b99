/// Walks over JSON in memory, front to back, without building values.
///
/// Strings and numbers come back as places in the text; nothing is copied or allocated. Every byte that it passes has
/// been checked against RFC 8259, whether the value was wanted or skipped, except that strings may hold bytes that are
/// no UTF-8 and halves of surrogate pairs.
struct JSONCursor {
    /// Deeper nesting is refused, so that no value can exhaust the stack; Foundation's limit.
    static let maximumDepth = 512

    private let base: UnsafeRawPointer
    private let end: Int
    private(set) var offset = 0

    /// The bytes must outlive the cursor.
    init(_ text: UnsafeRawBufferPointer) {
        end = text.count
        // Never read when there is nothing: any address will do.
        base = text.baseAddress ?? UnsafeRawPointer(("" as StaticString).utf8Start)
    }

    /// The bytes at a place, escapes as they are.
    @inline(__always)
    func bytes(of text: JSONText) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + text.start, count: text.count)
    }

    /// The next byte that is not whitespace, which is not consumed; 0 at the end.
    @inline(__always)
    mutating func peek() -> UInt8 {
        while offset < end {
            let byte = base.load(fromByteOffset: offset, as: UInt8.self)
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        return 0
    }

    /// Consumes the byte if it comes next.
    @inline(__always)
    mutating func skip(_ byte: UInt8) -> Bool {
        guard peek() == byte, offset < end else { return false }
        offset += 1
        return true
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(MalformedJSON) {
        guard skip(byte) else { throw malformed("expected \(Character(UnicodeScalar(byte)))") }
    }

    /// Consumes a comma, or the closing byte.
    ///
    /// - Returns: Whether another member follows.
    @inline(__always)
    mutating func nextMember(closing: UInt8) throws(MalformedJSON) -> Bool {
        if skip(UInt8(ascii: ",")) { return true }
        try expect(closing)
        return false
    }

    /// Consumes a member's name and the colon behind it.
    @inline(__always)
    mutating func name() throws(MalformedJSON) -> JSONText {
        let name = try string()
        try expect(UInt8(ascii: ":"))
        return name
    }

    mutating func expectEnd() throws(MalformedJSON) {
        guard peek() == 0, offset == end else { throw malformed("expected the end") }
    }

    func malformed(_ reason: String) -> MalformedJSON { MalformedJSON(offset: offset, reason: reason) }
}

/// A place in the text that a cursor walks over: a number, or a string without its quotes.
struct JSONText {
    let start: Int
    let count: Int
    var hasEscapes = false
}

/// Why some bytes are not JSON.
struct MalformedJSON: Error, Hashable, CustomStringConvertible {
    let offset: Int
    let reason: String
    var description: String { "\(reason) at byte \(offset)" }
}

extension JSONCursor {
    /// Consumes a string.
    @inline(__always)
    mutating func string() throws(MalformedJSON) -> JSONText {
        guard skip(UInt8(ascii: "\"")) else { throw malformed("expected a string") }
        let start = offset
        skipPlainCharacters()
        guard offset < end, byte(at: offset) == UInt8(ascii: "\"") else {
            return try escapedString(from: start)
        }
        offset += 1
        return JSONText(start: start, count: offset - 1 - start)
    }

    private mutating func escapedString(from start: Int) throws(MalformedJSON) -> JSONText {
        while offset < end {
            switch byte(at: offset) {
            case UInt8(ascii: "\""):
                offset += 1
                return JSONText(start: start, count: offset - 1 - start, hasEscapes: true)
            case UInt8(ascii: "\\"): try skipEscape()
            default: throw malformed("a control character in a string")
            }
            skipPlainCharacters()
        }
        throw malformed("a string without end")
    }

    private mutating func skipEscape() throws(MalformedJSON) {
        guard offset + 1 < end else { throw malformed("a string without end") }
        switch byte(at: offset + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 2
        case UInt8(ascii: "u"):
            guard offset + 6 <= end, (2..<6).allSatisfy({ isHexDigit(byte(at: offset + $0)) }) else {
                throw malformed("an unknown escape")
            }
            offset += 6
        default: throw malformed("an unknown escape")
        }
    }

    private func isHexDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6
    }

    /// To the next quote, backslash or control character, or the end, eight bytes at a time.
    @inline(__always)
    private mutating func skipPlainCharacters() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while end - offset >= 8 {
            let word = UInt64(
                littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
            let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            // Subtracting borrows into a byte's highest bit where the byte was too small. A borrow may go on into the
            // bytes behind it, so that only the first bit found is to be trusted, which is the one looked for.
            let found =
                ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
                    | (word &- ones &* 0x20) & ~word) & highs
            guard found == 0 else {
                offset += found.trailingZeroBitCount >> 3
                return
            }
            offset += 8
        }
        while offset < end {
            let byte = byte(at: offset)
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { return }
            offset += 1
        }
    }

    @inline(__always)
    private func byte(at index: Int) -> UInt8 { base.load(fromByteOffset: index, as: UInt8.self) }
}

extension JSONCursor {
    /// Consumes a number.
    mutating func number() throws(MalformedJSON) -> JSONText {
        let start = offset
        if offset < end, byte(at: offset) == UInt8(ascii: "-") { offset += 1 }
        let first = offset
        try digits()
        if byte(at: first) == UInt8(ascii: "0"), offset > first + 1 {
            throw malformed("a number that starts with 0")
        }
        if offset < end, byte(at: offset) == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if offset < end, byte(at: offset) | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < end, byte(at: offset) == UInt8(ascii: "+") || byte(at: offset) == UInt8(ascii: "-") {
                offset += 1
            }
            try digits()
        }
        return JSONText(start: start, count: offset - start)
    }

    private mutating func digits() throws(MalformedJSON) {
        let start = offset
        while offset < end, byte(at: offset) &- UInt8(ascii: "0") < 10 { offset += 1 }
        guard offset > start else { throw malformed("expected a value") }
    }

    /// Consumes `true`, `false` or `null`.
    mutating func literal(_ word: StaticString) throws(MalformedJSON) {
        for index in 0..<word.utf8CodeUnitCount {
            guard offset < end, byte(at: offset) == word.utf8Start[index] else {
                throw malformed("expected a value")
            }
            offset += 1
        }
    }

    /// Consumes a value of any kind.
    ///
    /// - Parameter depth: How many objects and lists it lies in.
    mutating func skipValue(depth: Int = 0) throws(MalformedJSON) {
        switch peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"):
            guard try open(UInt8(ascii: "{"), closing: UInt8(ascii: "}"), depth: depth) else { return }
            repeat {
                _ = try name()
                try skipValue(depth: depth + 1)
            } while try nextMember(closing: UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            guard try open(UInt8(ascii: "["), closing: UInt8(ascii: "]"), depth: depth) else { return }
            repeat { try skipValue(depth: depth + 1) } while try nextMember(closing: UInt8(ascii: "]"))
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    /// Consumes the start of an object or a list, and its end if it is empty.
    ///
    /// - Returns: Whether it has members.
    @inline(__always)
    mutating func open(_ opening: UInt8, closing: UInt8, depth: Int) throws(MalformedJSON) -> Bool {
        try expect(opening)
        guard depth < Self.maximumDepth else { throw malformed("nested too deeply") }
        return !skip(closing)
    }
}
