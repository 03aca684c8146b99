import CBytes

/// The first bytes of a segment file.
///
/// All numbers are little-endian.
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 8 | `millrace` |
/// | 8 | 2 | version, 1 |
/// | 10 | 6 | zero |
/// | 16 | 8 | the shard's number prefix: upper half of the base sequence number |
/// | 24 | 8 | base counter: no record of the segment has a smaller one |
/// | 32 | 8 | created, milliseconds: no record of the segment arrived earlier |
/// | 40 | 4 | salt of the records' checksums: random; zero in segments of earlier builds |
/// | 44 | 4 | CRC-32C of the 44 bytes before |
///
/// Records follow without gaps, see `RecordHeader`.
struct SegmentHeader: Equatable {
    static let byteCount = 48
    static let version: UInt16 = 1
    private static let magic: UInt64 = 0x6563_6172_6c6c_696d

    let numbers: UInt64
    let baseCounter: UInt64
    let createdMilliseconds: Int64
    let salt: UInt32

    init(numbers: UInt64, baseCounter: UInt64, createdMilliseconds: Int64, salt: UInt32) {
        self.numbers = numbers
        self.baseCounter = baseCounter
        self.createdMilliseconds = createdMilliseconds
        self.salt = salt
    }

    /// - Returns: `nil` when the bytes are too few, damaged, or of another version.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount, let base = bytes.baseAddress else { return nil }
        guard UInt64(littleEndian: base.loadUnaligned(as: UInt64.self)) == Self.magic else { return nil }
        let version = base.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
        guard UInt16(littleEndian: version) == Self.version else { return nil }
        let checksum = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: 44, as: UInt32.self))
        guard checksum == millrace_crc32c(0, base, 44) else { return nil }
        numbers = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        baseCounter = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        createdMilliseconds = Int64(littleEndian: base.loadUnaligned(fromByteOffset: 32, as: Int64.self))
        salt = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: 40, as: UInt32.self))
    }

    var bytes: [UInt8] {
        var result = [UInt8](repeating: 0, count: Self.byteCount)
        result.withUnsafeMutableBytes { target in
            target.storeBytes(of: Self.magic.littleEndian, as: UInt64.self)
            target.storeBytes(of: Self.version.littleEndian, toByteOffset: 8, as: UInt16.self)
            target.storeBytes(of: numbers.littleEndian, toByteOffset: 16, as: UInt64.self)
            target.storeBytes(of: baseCounter.littleEndian, toByteOffset: 24, as: UInt64.self)
            target.storeBytes(of: createdMilliseconds.littleEndian, toByteOffset: 32, as: Int64.self)
            target.storeBytes(of: salt.littleEndian, toByteOffset: 40, as: UInt32.self)
            let checksum = millrace_crc32c(0, target.baseAddress, 44)
            target.storeBytes(of: checksum.littleEndian, toByteOffset: 44, as: UInt32.self)
        }
        return result
    }
}
