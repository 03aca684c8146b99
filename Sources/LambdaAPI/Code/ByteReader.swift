/// Reads little-endian numbers, and never beyond the end.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    mutating func uint16() throws(InvalidArchive) -> UInt16 { UInt16(truncatingIfNeeded: try number(2)) }

    mutating func uint32() throws(InvalidArchive) -> UInt32 { UInt32(truncatingIfNeeded: try number(4)) }

    /// Eight bytes that count something; what no array can hold is an error.
    mutating func size64() throws(InvalidArchive) -> Int {
        guard let size = Int(exactly: try number(8)) else {
            throw InvalidArchive("a size in it is too large")
        }
        return size
    }

    mutating func slice(_ count: Int) throws(InvalidArchive) -> ArraySlice<UInt8> {
        try check(count)
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Reading after it tells whether that is still inside.
    mutating func skip(_ count: Int) { position += count }

    private mutating func number(_ count: Int) throws(InvalidArchive) -> UInt64 {
        try slice(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func check(_ count: Int) throws(InvalidArchive) {
        guard position >= 0, position <= bytes.count, count <= bytes.count - position else {
            throw InvalidArchive("it ends too early")
        }
    }
}
