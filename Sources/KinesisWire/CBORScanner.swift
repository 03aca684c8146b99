#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Walks over CBOR (RFC 8949) in memory, front to back, without building values.
///
/// Strings come back as places in the bytes; nothing is copied or allocated. Errors are `SerializationException`s.
struct CBORScanner {
    /// Deeper nesting is refused, so that skipping an unknown value cannot exhaust the stack.
    static let maximumDepth = 64
    private static let breakByte: UInt8 = 0xFF

    /// The upper three bits of a value's first byte.
    enum Kind: UInt8 {
        case unsigned, negative, bytes, text, array, map, tag, simple
    }

    /// A value's first byte and the number that belongs to it.
    struct Head {
        let kind: Kind
        /// The lower five bits; 31 for a length that is not said beforehand.
        let detail: UInt8
        let argument: UInt64

        var isIndefinite: Bool { detail == 31 }
        var isNull: Bool { kind == .simple && (detail == 22 || detail == 23) }
    }

    private let base: UnsafePointer<UInt8>
    private let end: Int
    private(set) var offset = 0

    /// The bytes must outlive the scanner.
    init(_ bytes: UnsafeRawBufferPointer) throws(KinesisError) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            throw KinesisError(.serialization, "the request has no body")
        }
        base = start.assumingMemoryBound(to: UInt8.self)
        end = bytes.count
    }

    var isAtEnd: Bool { offset == end }

    /// The bytes at a place; of a string in pieces, pieces and what lies between them.
    func bytes(at place: CBORText) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + place.start, count: place.count)
    }

    /// Consumes a value's head; tags before it are passed over.
    @inline(__always)
    mutating func head() throws(KinesisError) -> Head {
        var head = try anyHead()
        while head.kind == .tag { head = try anyHead() }
        return head
    }

    /// Consumes a head, that of a tag too.
    @inline(__always)
    mutating func anyHead() throws(KinesisError) -> Head {
        guard offset < end else { throw malformed("the end where a value is expected") }
        let first = base[offset]
        offset += 1
        guard let kind = Kind(rawValue: first >> 5) else { throw malformed("a value of no kind") }
        let detail = first & 31
        if detail < 24 { return Head(kind: kind, detail: detail, argument: UInt64(detail)) }
        let size: Int
        switch detail {
        case 24...27: size = 1 << Int(detail - 24)
        case 31 where kind != .unsigned && kind != .negative && kind != .tag:
            return Head(kind: kind, detail: detail, argument: 0)
        default: throw malformed("a length of no form")
        }
        guard end - offset >= size else { throw malformed("a number without end") }
        var argument: UInt64 = 0
        for index in offset..<offset + size { argument = argument << 8 | UInt64(base[index]) }
        offset += size
        return Head(kind: kind, detail: detail, argument: argument)
    }

    /// Consumes the sign that ends what has no length, if it comes next.
    @inline(__always)
    mutating func skipBreak() -> Bool {
        guard offset < end, base[offset] == Self.breakByte else { return false }
        offset += 1
        return true
    }

    /// Consumes a null, if it comes next.
    @inline(__always)
    mutating func skipNull() -> Bool {
        guard offset < end, base[offset] == 0xF6 || base[offset] == 0xF7 else { return false }
        offset += 1
        return true
    }

    /// Consumes a string of this kind.
    @inline(__always)
    mutating func string(_ kind: Kind) throws(KinesisError) -> CBORText {
        let head = try head()
        guard head.kind == kind else { throw wrongKind(head, wanted: kind) }
        return try string(head)
    }

    /// Consumes a string or a null, which counts as absent.
    @inline(__always)
    mutating func stringOrNull(_ kind: Kind) throws(KinesisError) -> CBORText? {
        skipNull() ? nil : try string(kind)
    }

    /// Consumes what follows the head of a string.
    @inline(__always)
    mutating func string(_ head: Head) throws(KinesisError) -> CBORText {
        guard head.isIndefinite else {
            let start = offset
            try advance(head.argument)
            return CBORText(start: start, count: offset - start, isInPieces: false)
        }
        let start = offset
        while !skipBreak() {
            let piece = try anyHead()
            guard piece.kind == head.kind, !piece.isIndefinite else {
                throw malformed("a piece of no string")
            }
            try advance(piece.argument)
        }
        return CBORText(start: start, count: offset - start - 1, isInPieces: true)
    }

    /// Copies a string's bytes to `target`, which has room for its `count`.
    ///
    /// - Returns: How many were written.
    @inline(__always)
    func copy(_ text: CBORText, to target: UnsafeMutableRawPointer) -> Int {
        guard text.isInPieces else {
            target.copyMemory(from: base + text.start, byteCount: text.count)
            return text.count
        }
        return copyPieces(text, to: target)
    }

    private func copyPieces(_ text: CBORText, to target: UnsafeMutableRawPointer) -> Int {
        var pieces = self
        pieces.offset = text.start
        var written = 0
        // Each piece has been looked at when the string was consumed.
        while pieces.offset < text.start + text.count, let head = try? pieces.anyHead() {
            target.advanced(by: written).copyMemory(
                from: base + pieces.offset,
                byteCount: Int(head.argument)
            )
            written += Int(head.argument)
            pieces.offset += Int(head.argument)
        }
        return written
    }

    /// Consumes a value of any kind.
    mutating func skipValue(depth: Int = 0) throws(KinesisError) {
        try skipValue(head(), depth: depth)
    }

    private mutating func skipValue(_ head: Head, depth: Int) throws(KinesisError) {
        guard depth < Self.maximumDepth else { throw malformed("nested too deeply") }
        switch head.kind {
        case .unsigned, .negative: break
        case .bytes, .text: _ = try string(head)
        case .array, .map:
            var rest =
                head.kind == .map
                ? head.argument.multipliedReportingOverflow(by: 2).partialValue : head.argument
            while head.isIndefinite ? !skipBreak() : rest > 0 {
                try skipValue(depth: depth + 1)
                rest &-= 1
            }
        case .tag: try skipValue(depth: depth + 1)
        case .simple where head.isIndefinite: throw malformed("an end of nothing")
        case .simple: break
        }
    }

    private mutating func advance(_ count: UInt64) throws(KinesisError) {
        guard count <= UInt64(end - offset) else { throw malformed("a string without end") }
        offset += Int(count)
    }

    func wrongKind(_ head: Head, wanted: Kind) -> KinesisError {
        let name = wanted == .bytes ? "Blob" : "String"
        return switch head.kind {
        case .array: KinesisError(.serialization, "Start of list found where not expected")
        case .map: KinesisError(.serialization, "Start of structure or map found where not expected.")
        default: KinesisError(.serialization, "\(head.kind) can not be converted to a \(name)")
        }
    }

    func malformed(_ reason: String) -> KinesisError {
        KinesisError(.serialization, "malformed CBOR at byte \(offset): \(reason)")
    }
}

/// A string's place in the bytes that a scanner walks over.
struct CBORText {
    let start: Int
    let count: Int
    /// Its length was not said beforehand, as encoders that stream do.
    let isInPieces: Bool
}
