package import StreamCore

import CBytes

/// A growing buffer that per-record JSON is written to, byte by byte, without a string or an encoder in
/// between.
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var writtenCount: Int
    @inlinable public var count: Int { writtenCount }

    package init(capacity: Int = 4096) {
        self.capacity = max(64, capacity)
        base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
        writtenCount = 0
    }

    deinit {
        base.deallocate()
    }

    /// Forgets what was written and keeps the memory.
    package mutating func removeAll() {
        writtenCount = 0
    }

    /// Forgets what was written after the first `length` bytes.
    package mutating func truncate(to length: Int) {
        precondition(length <= count, "truncating cannot lengthen")
        writtenCount = length
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
    {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// A copy of what was written.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// Makes room for `additional` bytes; the pointer is where the next byte goes.
    ///
    /// Pair with `advance`.
    @inlinable @inline(__always)
    public mutating func reserve(_ additional: Int) -> UnsafeMutableRawPointer {
        if capacity - count < additional { grow(by: additional) }
        return base + count
    }

    /// Counts `length` bytes as written after `reserve`.
    @inlinable @inline(__always)
    public mutating func advance(_ length: Int) {
        writtenCount += length
    }

    @usableFromInline
    mutating func grow(by additional: Int) {
        let newCapacity = max(capacity * 2, count + additional)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
        capacity = newCapacity
    }
}

extension ByteWriter {
    package mutating func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        advance(1)
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        advance(bytes.count)
    }

    package mutating func append(_ literal: StaticString) {
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends the text's UTF-8 as it is, without quotes.
    package mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(decimal value: some BinaryInteger) {
        append(text: String(value))
    }

    /// Appends the number's digits, without quotes.
    package mutating func append(_ number: SequenceNumber, with digits: inout SequenceDigits) {
        let length = digits.write(number, to: reserve(SequenceNumber.maximumDigits))
        advance(length)
    }

    /// Appends the bytes as standard base64, padded, without quotes.
    package mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        let target = reserve((bytes.count + 2) / 3 * 4)
        guard let source = bytes.baseAddress else { return }
        let length = millrace_base64_encode(
            source.assumingMemoryBound(to: UInt8.self),
            bytes.count,
            target.assumingMemoryBound(to: UInt8.self)
        )
        advance(length)
    }

    /// Appends UTF-8 as a JSON string with its quotes.
    ///
    /// The bytes are taken as valid UTF-8.
    package mutating func append(jsonString bytes: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var clean = 0
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(UnsafeRawBufferPointer(rebasing: bytes[clean..<index]))
            append(escaped: byte)
            clean = index + 1
        }
        append(UnsafeRawBufferPointer(rebasing: bytes[clean...]))
        append(UInt8(ascii: "\""))
    }

    package mutating func append(jsonString text: String) {
        var text = text
        text.withUTF8 { append(jsonString: UnsafeRawBufferPointer($0)) }
    }

    private mutating func append(escaped byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case UInt8(ascii: "\n"): append("\\n")
        case UInt8(ascii: "\r"): append("\\r")
        case UInt8(ascii: "\t"): append("\\t")
        default:
            append("\\u00")
            append(hexDigit(byte >> 4))
            append(hexDigit(byte & 15))
        }
    }

    private func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
