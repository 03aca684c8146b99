#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Walks over JSON in memory, front to back, without building values.
///
/// Strings come back as places in the text; nothing is copied or allocated. Errors are `SerializationException`s.
struct JSONScanner {
    /// Deeper nesting is refused, so that skipping an unknown value cannot exhaust the stack.
    private static let maximumDepth = 64

    private let base: UnsafePointer<UInt8>
    private let end: Int
    private var offset = 0

    /// The bytes must outlive the scanner.
    init(_ text: UnsafeRawBufferPointer) throws(KinesisError) {
        guard let start = text.baseAddress, !text.isEmpty else {
            throw KinesisError(.serialization, "the request has no body")
        }
        base = start.assumingMemoryBound(to: UInt8.self)
        end = text.count
    }

    /// The bytes between a string's quotes, escapes as they are.
    func bytes(of text: JSONText) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + text.start, count: text.count)
    }

    /// The next byte that is not whitespace, which is not consumed; 0 at the end.
    @inline(__always)
    mutating func peek() -> UInt8 {
        while offset < end {
            let byte = base[offset]
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
    mutating func expect(_ byte: UInt8) throws(KinesisError) {
        guard skip(byte) else { throw malformed("expected \(Character(UnicodeScalar(byte)))") }
    }

    /// Consumes a comma, or the closing byte.
    ///
    /// - Returns: Whether another member follows.
    @inline(__always)
    mutating func nextMember(closing: UInt8) throws(KinesisError) -> Bool {
        if skip(UInt8(ascii: ",")) { return true }
        try expect(closing)
        return false
    }

    mutating func expectEnd() throws(KinesisError) {
        guard peek() == 0, offset == end else { throw malformed("expected the end") }
    }

    /// Consumes a string.
    @inline(__always)
    mutating func string() throws(KinesisError) -> JSONText {
        guard skip(UInt8(ascii: "\"")) else { throw wrongType() }
        let start = offset
        guard let quote = memchr(base + start, Int32(UInt8(ascii: "\"")), end - start) else {
            throw malformed("a string without end")
        }
        let length = UnsafeRawPointer(quote) - UnsafeRawPointer(base + start)
        guard let escape = memchr(base + start, Int32(UInt8(ascii: "\\")), length) else {
            offset = start + length + 1
            return JSONText(start: start, count: length, hasEscapes: false)
        }
        return try escapedString(from: start, firstEscape: UnsafeRawPointer(escape) - UnsafeRawPointer(base))
    }

    private mutating func escapedString(from start: Int, firstEscape: Int) throws(KinesisError) -> JSONText {
        var index = firstEscape
        while index < end {
            switch base[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""):
                offset = index + 1
                return JSONText(start: start, count: index - start, hasEscapes: true)
            default: index += 1
            }
        }
        throw malformed("a string without end")
    }

    /// Consumes a string, or a null, which counts as absent.
    @inline(__always)
    mutating func stringOrNull() throws(KinesisError) -> JSONText? {
        if peek() == UInt8(ascii: "n") {
            try literal("null")
            return nil
        }
        return try string()
    }

    /// Consumes a number, `true`, `false` or `null`.
    mutating func scalar() throws(KinesisError) -> JSONText {
        _ = peek()
        let start = offset
        try skipValue()
        return JSONText(start: start, count: offset - start, hasEscapes: false)
    }

    /// Consumes a value of any kind.
    mutating func skipValue(depth: Int = 0) throws(KinesisError) {
        guard depth < Self.maximumDepth else { throw malformed("nested too deeply") }
        switch peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"):
            try expect(UInt8(ascii: "{"))
            if skip(UInt8(ascii: "}")) { return }
            repeat {
                _ = try string()
                try expect(UInt8(ascii: ":"))
                try skipValue(depth: depth + 1)
            } while try nextMember(closing: UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            try expect(UInt8(ascii: "["))
            if skip(UInt8(ascii: "]")) { return }
            repeat { try skipValue(depth: depth + 1) } while try nextMember(closing: UInt8(ascii: "]"))
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try skipNumber()
        }
    }

    /// Consumes a number.
    @inline(__always)
    mutating func number() throws(KinesisError) -> JSONText {
        _ = peek()
        let start = offset
        try skipNumber()
        return JSONText(start: start, count: offset - start, hasEscapes: false)
    }

    private mutating func skipNumber() throws(KinesisError) {
        let start = offset
        while offset < end {
            switch base[offset] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                offset += 1
                continue
            default: break
            }
            break
        }
        guard offset > start else { throw malformed("expected a value") }
    }

    private mutating func literal(_ word: StaticString) throws(KinesisError) {
        let length = word.utf8CodeUnitCount
        guard end - offset >= length, memcmp(base + offset, word.utf8Start, length) == 0 else {
            throw malformed("expected a value")
        }
        offset += length
    }

    private mutating func wrongType() -> KinesisError {
        switch peek() {
        case UInt8(ascii: "["): KinesisError(.serialization, "Start of list found where not expected")
        case UInt8(ascii: "{"):
            KinesisError(.serialization, "Start of structure or map found where not expected.")
        case UInt8(ascii: "t"): KinesisError(.serialization, "TRUE_VALUE can not be converted to a String")
        case UInt8(ascii: "f"): KinesisError(.serialization, "FALSE_VALUE can not be converted to a String")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            KinesisError(.serialization, "NUMBER_VALUE can not be converted to a String")
        default: malformed("expected a string")
        }
    }

    func malformed(_ reason: String) -> KinesisError {
        KinesisError(.serialization, "malformed JSON at byte \(offset): \(reason)")
    }
}

/// A string's place in the text that a scanner walks over, without its quotes.
struct JSONText {
    let start: Int
    let count: Int
    let hasEscapes: Bool
}
