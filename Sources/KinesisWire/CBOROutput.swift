import StreamCore

/// Writes CBOR (RFC 8949) to memory whose size was worked out beforehand, so that nothing is checked or moved on the way.
struct CBOROutput {
    /// Of any head.
    static let headBytes = 9

    private let start: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer

    init(_ target: UnsafeMutableRawPointer) {
        start = target
        next = target
    }

    var writtenBytes: Int { next - start }

    @inline(__always)
    mutating func append(_ kind: CBORScanner.Kind, _ argument: UInt64) {
        let high = kind.rawValue << 5
        switch argument {
        case 0..<24: append(high | UInt8(argument))
        case 24..<0x100:
            append(high | 24)
            append(UInt8(argument))
        case 0x100..<0x1_0000:
            append(high | 25)
            append(bigEndian: UInt16(argument))
        case 0x1_0000..<0x1_0000_0000:
            append(high | 26)
            append(bigEndian: UInt32(argument))
        default:
            append(high | 27)
            append(bigEndian: argument)
        }
    }

    @inline(__always)
    mutating func append(_ kind: CBORScanner.Kind, _ bytes: UnsafeRawBufferPointer) {
        append(kind, UInt64(bytes.count))
        guard let base = bytes.baseAddress else { return }
        next.copyMemory(from: base, byteCount: bytes.count)
        next += bytes.count
    }

    /// A member's name.
    @inline(__always)
    mutating func append(_ literal: StaticString) {
        append(.text, UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(.text, UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ number: Int64) {
        if number < 0 { append(.negative, UInt64(-1 - number)) } else { append(.unsigned, UInt64(number)) }
    }

    /// A moment: the AWS SDKs write and read whole milliseconds behind the tag for seconds.
    @inline(__always)
    mutating func append(_ moment: Timestamp) {
        append(.tag, 1)
        append(.unsigned, UInt64(max(0, moment.milliseconds)))
    }

    @inline(__always)
    mutating func append(_ number: SequenceNumber, with digits: inout SequenceDigits) {
        digits.withDigits(of: number) { append(.text, $0) }
    }

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    @inline(__always)
    private mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(bigEndian number: Number) {
        next.storeBytes(of: number.bigEndian, as: Number.self)
        next += MemoryLayout<Number>.size
    }
}
