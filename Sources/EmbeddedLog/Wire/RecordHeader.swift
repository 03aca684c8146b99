import CBytes

/// What stands before each record of a segment.
///
/// All numbers are little-endian.
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 4 | CRC-32C of everything after it, to the end of the payload; exclusive-or the segment's salt |
/// | 4 | 4 | bytes of partition key and payload together |
/// | 8 | 8 | arrival, milliseconds since 1970 |
/// | 16 | 8 | counter, see `ShardNumbers` |
/// | 24 | 4 | durable end: how much of the segment was known to be synced when the record was written |
/// | 28 | 2 | bytes of the partition key |
/// | 30 | 2 | zero |
/// | 32 | | partition key, then payload |
///
/// The durable end tells damage from a write that a power cut tore: a hole before the durable end of a later record
/// was once whole on disk.
///
/// The salt tells a record from bytes of a payload that look like one: no producer knows it.
struct RecordHeader: Equatable {
    static let byteCount = 32

    let checksum: UInt32
    let dataBytes: Int
    let arrival: Int64
    let counter: UInt64
    let durableEnd: Int
    let keyBytes: UInt16

    @inline(__always)
    init(at pointer: UnsafeRawPointer) {
        checksum = UInt32(littleEndian: pointer.loadUnaligned(as: UInt32.self))
        dataBytes = Int(UInt32(littleEndian: pointer.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        arrival = Int64(littleEndian: pointer.loadUnaligned(fromByteOffset: 8, as: Int64.self))
        counter = UInt64(littleEndian: pointer.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        durableEnd = Int(UInt32(littleEndian: pointer.loadUnaligned(fromByteOffset: 24, as: UInt32.self)))
        keyBytes = UInt16(littleEndian: pointer.loadUnaligned(fromByteOffset: 28, as: UInt16.self))
    }

    @inline(__always)
    var recordBytes: Int { Self.byteCount + dataBytes }

    /// Whether the record at `pointer`, all of which is in memory, is as it was written.
    @inline(__always)
    func isIntact(at pointer: UnsafeRawPointer, salt: UInt32) -> Bool {
        Int(keyBytes) <= dataBytes && checksum ^ salt == millrace_crc32c(0, pointer + 4, recordBytes - 4)
    }

    /// Writes the header in front of the key and payload that already stand at `target + 32`.
    @inline(__always)
    static func write(
        to target: UnsafeMutableRawPointer,
        dataBytes: Int,
        keyBytes: UInt16,
        arrival: Int64,
        counter: UInt64,
        durableEnd: Int,
        salt: UInt32
    ) {
        target.storeBytes(of: UInt32(dataBytes).littleEndian, toByteOffset: 4, as: UInt32.self)
        target.storeBytes(of: arrival.littleEndian, toByteOffset: 8, as: Int64.self)
        target.storeBytes(of: counter.littleEndian, toByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: UInt32(durableEnd).littleEndian, toByteOffset: 24, as: UInt32.self)
        target.storeBytes(of: UInt32(keyBytes).littleEndian, toByteOffset: 28, as: UInt32.self)
        seal(at: target, recordBytes: byteCount + dataBytes, salt: salt)
    }

    /// Sets the durable end, and the salt, of a record that has been written to memory only.
    static func restamp(at target: UnsafeMutableRawPointer, durableEnd: Int, salt: UInt32) {
        target.storeBytes(of: UInt32(durableEnd).littleEndian, toByteOffset: 24, as: UInt32.self)
        seal(at: target, recordBytes: RecordHeader(at: target).recordBytes, salt: salt)
    }

    @inline(__always)
    private static func seal(at target: UnsafeMutableRawPointer, recordBytes: Int, salt: UInt32) {
        let checksum = millrace_crc32c(0, target + 4, recordBytes - 4) ^ salt
        target.storeBytes(of: checksum.littleEndian, as: UInt32.self)
    }
}
