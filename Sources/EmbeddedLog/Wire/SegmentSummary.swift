import CBytes

/// What is known of a segment up to some record: how far it reaches, its newest record and its sparse index.
///
/// Kept in a file beside each segment that is complete, so that opening a log does not read its records again. The file may
/// be older than the segment, which only grows; then the records after `end` are scanned. All numbers are
/// little-endian.
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 8 | `mr-index` |
/// | 8 | 8 | base counter of the segment |
/// | 16 | 8 | end: bytes of the segment that this describes |
/// | 24 | 8 | counter of the newest record, or base counter - 1 |
/// | 32 | 8 | arrival of the newest record, milliseconds |
/// | 40 | 8 | number of records |
/// | 48 | 24 each | index entries: counter, arrival, offset |
/// | | 4 | CRC-32C of everything before |
struct SegmentSummary: Equatable, Sendable {
    var end: Int
    var lastCounter: UInt64
    var lastArrival: Int64
    var recordCount: Int
    var index: SparseIndex

    /// A segment without records.
    init(emptyAfter header: SegmentHeader) {
        end = SegmentHeader.byteCount
        lastCounter = header.baseCounter - 1
        lastArrival = header.createdMilliseconds
        recordCount = 0
        index = SparseIndex()
    }

    mutating func add(_ record: RecordHeader, at offset: Int) {
        index.add(SparseIndex.Entry(counter: record.counter, arrival: record.arrival, offset: offset))
        end = offset + record.recordBytes
        lastCounter = record.counter
        lastArrival = record.arrival
        recordCount += 1
    }

    /// Bytes of a record on average, its header included.
    var averageRecordBytes: Int {
        recordCount == 0 ? 0 : (end - SegmentHeader.byteCount) / recordCount
    }
}

extension SegmentSummary {
    private static let magic: UInt64 = 0x7865_646e_692d_726d
    private static let headerBytes = 48
    private static let entryBytes = 24

    func bytes(baseCounter: UInt64) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.headerBytes + index.entries.count * Self.entryBytes + 4)
        func append(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { result += $0 } }
        append(Self.magic)
        append(baseCounter)
        append(UInt64(end))
        append(lastCounter)
        append(UInt64(bitPattern: lastArrival))
        append(UInt64(recordCount))
        for entry in index.entries {
            append(entry.counter)
            append(UInt64(bitPattern: entry.arrival))
            append(UInt64(entry.offset))
        }
        let checksum = result.withUnsafeBytes { millrace_crc32c(0, $0.baseAddress, $0.count) }
        withUnsafeBytes(of: checksum.littleEndian) { result += $0 }
        return result
    }

    /// - Returns: `nil` when the bytes are damaged or belong to another segment.
    init?(_ bytes: [UInt8], baseCounter: UInt64) {
        let entryCount = (bytes.count - Self.headerBytes - 4) / Self.entryBytes
        guard bytes.count == Self.headerBytes + entryCount * Self.entryBytes + 4 else { return nil }
        let parsed = bytes.withUnsafeBytes { bytes -> SegmentSummary? in
            func word(_ offset: Int) -> UInt64 {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            let checksum = bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)
            guard UInt32(littleEndian: checksum) == millrace_crc32c(0, bytes.baseAddress, bytes.count - 4),
                word(0) == Self.magic, word(8) == baseCounter
            else { return nil }
            let entries = (0..<entryCount).map { position in
                let start = Self.headerBytes + position * Self.entryBytes
                return SparseIndex.Entry(
                    counter: word(start),
                    arrival: Int64(bitPattern: word(start + 8)),
                    offset: Int(word(start + 16))
                )
            }
            return SegmentSummary(
                end: Int(word(16)),
                lastCounter: word(24),
                lastArrival: Int64(bitPattern: word(32)),
                recordCount: Int(word(40)),
                index: SparseIndex(entries: entries)
            )
        }
        guard let parsed else { return nil }
        self = parsed
    }

    private init(end: Int, lastCounter: UInt64, lastArrival: Int64, recordCount: Int, index: SparseIndex) {
        self.end = end
        self.lastCounter = lastCounter
        self.lastArrival = lastArrival
        self.recordCount = recordCount
        self.index = index
    }
}
