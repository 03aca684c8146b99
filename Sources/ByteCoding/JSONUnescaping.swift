/// Turns the bytes between a JSON string's quotes into the UTF-8 that they stand for.
///
/// The result is never longer than its source.
public enum JSONUnescaping {
    /// Copies the text to `target`, which has room for `source.count` bytes.
    ///
    /// - Returns: How many bytes were written and how many characters (Unicode scalars) they are; `nil` when the text
    ///   is not valid JSON or not valid UTF-8.
    @inlinable @inline(__always)
    public static func copy(
        _ source: UnsafeRawBufferPointer,
        hasEscapes: Bool,
        to target: UnsafeMutableRawPointer
    ) -> (bytes: Int, characters: Int)? {
        if !hasEscapes, copyPlainASCII(source, to: target) { return (source.count, source.count) }
        return copyAny(source, hasEscapes: hasEscapes, to: target)
    }

    /// The common case, in one pass that the compiler turns into vector instructions.
    @inlinable @inline(__always)
    static func copyPlainASCII(
        _ source: UnsafeRawBufferPointer,
        to target: UnsafeMutableRawPointer
    ) -> Bool {
        guard let base = source.baseAddress else { return true }
        var seen: UInt8 = 0
        var lowest: UInt8 = 0xFF
        for index in 0..<source.count {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            seen |= byte
            lowest = min(lowest, byte)
        }
        guard seen < 0x80, lowest >= 0x20 else { return false }
        target.copyMemory(from: base, byteCount: source.count)
        return true
    }

    @usableFromInline
    static func copyAny(
        _ source: UnsafeRawBufferPointer,
        hasEscapes: Bool,
        to target: UnsafeMutableRawPointer
    ) -> (bytes: Int, characters: Int)? {
        guard let count = hasEscapes ? unescape(source, to: target) : copyPlain(source, to: target) else {
            return nil
        }
        let written = UnsafeRawBufferPointer(start: target, count: count)
        guard let text = String(validating: written, as: UTF8.self) else { return nil }
        return (count, text.unicodeScalars.count)
    }

    private static func copyPlain(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer)
        -> Int?
    {
        guard source.allSatisfy({ $0 >= 0x20 }) else { return nil }
        UnsafeMutableRawBufferPointer(start: target, count: source.count).copyMemory(from: source)
        return source.count
    }

    /// Resolves escapes; leaves checking the UTF-8 to the caller.
    package static func unescape(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> Int?
    {
        var read = 0
        var written = 0
        while read < source.count {
            let byte = source[read]
            guard byte >= 0x20 else { return nil }
            guard byte == UInt8(ascii: "\\") else {
                target.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
                read += 1
                written += 1
                continue
            }
            guard let scalar = escapedScalar(source, at: &read) else { return nil }
            for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                target.storeBytes(of: unit, toByteOffset: written, as: UInt8.self)
                written += 1
            }
        }
        return written
    }

    /// Reads one escape, or two that are a pair of surrogates; a lone surrogate is no character.
    private static func escapedScalar(_ source: UnsafeRawBufferPointer, at read: inout Int) -> UnicodeScalar?
    {
        guard read + 1 < source.count else { return nil }
        let kind = source[read + 1]
        read += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UnicodeScalar(kind)
        case UInt8(ascii: "b"): return UnicodeScalar(0x08)
        case UInt8(ascii: "f"): return UnicodeScalar(0x0C)
        case UInt8(ascii: "n"): return UnicodeScalar(0x0A)
        case UInt8(ascii: "r"): return UnicodeScalar(0x0D)
        case UInt8(ascii: "t"): return UnicodeScalar(0x09)
        case UInt8(ascii: "u"): break
        default: return nil
        }
        guard let first = hexadecimal(source, at: &read) else { return nil }
        guard (0xD800..<0xDC00).contains(first) else { return UnicodeScalar(first) }
        guard read + 1 < source.count, source[read] == UInt8(ascii: "\\"),
            source[read + 1] == UInt8(ascii: "u")
        else { return nil }
        read += 2
        guard let second = hexadecimal(source, at: &read), (0xDC00..<0xE000).contains(second) else {
            return nil
        }
        return UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private static func hexadecimal(_ source: UnsafeRawBufferPointer, at read: inout Int) -> UInt32? {
        guard read + 4 <= source.count else { return nil }
        var value: UInt32 = 0
        for byte in source[read..<read + 4] {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt32(digit)
        }
        read += 4
        return value
    }
}
