/// Writes JSON to memory whose size was worked out beforehand, so that nothing is checked or moved on the way.
public struct JSONOutput {
    @usableFromInline let start: UnsafeMutableRawPointer
    @usableFromInline var next: UnsafeMutableRawPointer

    @inlinable
    public init(_ target: UnsafeMutableRawPointer) {
        start = target
        next = target
    }

    @inlinable public var writtenBytes: Int { next - start }

    /// Where the next byte goes; pair with `advance`.
    @inlinable public var position: UnsafeMutableRawPointer { next }

    @inlinable @inline(__always)
    public mutating func advance(_ count: Int) { next += count }

    @inlinable @inline(__always)
    public mutating func append(_ literal: StaticString) {
        next.copyMemory(from: literal.utf8Start, byteCount: literal.utf8CodeUnitCount)
        next += literal.utf8CodeUnitCount
    }

    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        next.copyMemory(from: base, byteCount: bytes.count)
        next += bytes.count
    }

    package mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        next += Base64.encode(bytes, to: next)
    }

    /// Milliseconds since 1970 as the service writes moments: seconds with three decimals.
    package mutating func append(seconds milliseconds: Int64) {
        let (seconds, rest) = max(0, milliseconds).quotientAndRemainder(dividingBy: 1_000)
        append(text: String(seconds))
        append(UInt8(ascii: "."))
        append(UInt8(ascii: "0") + UInt8(rest / 100))
        append(UInt8(ascii: "0") + UInt8(rest / 10 % 10))
        append(UInt8(ascii: "0") + UInt8(rest % 10))
    }

    /// At most six bytes for each of the text's, and two quotes.
    @inlinable @inline(__always)
    public mutating func append(jsonString bytes: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var isPlain = true
        for byte in bytes {
            isPlain =
                isPlain && byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        if isPlain { append(bytes) } else { appendEscaped(bytes) }
        append(UInt8(ascii: "\""))
    }

    @usableFromInline
    mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x00..<0x20:
                append("\\u00")
                append(UInt8(ascii: "0") + (byte >> 4))
                let low = byte & 15
                append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            default: append(byte)
            }
        }
    }
}
