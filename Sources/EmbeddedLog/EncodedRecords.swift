import StreamCore

/// Records in the form of a segment, waiting to be written.
///
/// Unchecked because of the raw memory: the appender fills it, then only the committer that it is handed to touches it.
final class EncodedRecords: @unchecked Sendable {
    let buffer: UnsafeMutableRawBufferPointer
    let firstCounter: UInt64
    let arrival: Int64
    let recordCount: Int
    private var durableEnd: Int
    private var salt: UInt32
    /// Places for the sparse index, their offsets counted from the beginning of the buffer.
    private(set) var index = SparseIndex()

    /// - Parameters:
    ///   - indices: Which of the records; at least one.
    ///   - byteCount: What `byteCount(of:_:)` says of them.
    ///   - durableEnd: How much of the active segment is synced now.
    ///   - salt: That of the active segment.
    init(
        _ records: NewRecords,
        _ indices: ArraySlice<UInt32>,
        byteCount: Int,
        firstCounter: UInt64,
        arrival: Int64,
        durableEnd: Int,
        salt: UInt32
    ) {
        buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        self.firstCounter = firstCounter
        self.arrival = arrival
        self.durableEnd = durableEnd
        self.salt = salt
        recordCount = indices.count
        records.bytes.withUnsafeBytes { source in
            records.entries.withUnsafeBufferPointer { entries in
                indices.withUnsafeBufferPointer { encode(source, entries, $0) }
            }
        }
    }

    deinit {
        buffer.deallocate()
    }

    var lastCounter: UInt64 { firstCounter + UInt64(recordCount) - 1 }

    static func byteCount(of records: NewRecords, _ indices: ArraySlice<UInt32>) -> Int {
        records.entries.withUnsafeBufferPointer { entries in
            indices.reduce(0) { total, index in
                let entry = entries[Int(index)]
                return total + RecordHeader.byteCount + Int(entry.keyBytes) + Int(entry.payloadBytes)
            }
        }
    }

    private func encode(
        _ source: UnsafeRawBufferPointer,
        _ entries: UnsafeBufferPointer<NewRecords.Entry>,
        _ indices: UnsafeBufferPointer<UInt32>
    ) {
        guard let target = buffer.baseAddress else { return }
        var offset = 0
        var counter = firstCounter
        for position in indices {
            let entry = entries[Int(position)]
            let dataBytes = Int(entry.keyBytes) + Int(entry.payloadBytes)
            let data = source[Int(entry.offset)..<Int(entry.offset) + dataBytes]
            index.add(SparseIndex.Entry(counter: counter, arrival: arrival, offset: offset))
            UnsafeMutableRawBufferPointer(rebasing: buffer[(offset + RecordHeader.byteCount)...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: data))
            RecordHeader.write(
                to: target + offset,
                dataBytes: dataBytes,
                keyBytes: entry.keyBytes,
                arrival: arrival,
                counter: counter,
                durableEnd: durableEnd,
                salt: salt
            )
            offset += RecordHeader.byteCount + dataBytes
            counter += 1
        }
    }

    /// Writes into the first record how much of the segment is synced, now that everything before it is.
    func restamp(durableEnd end: Int) {
        guard end != durableEnd, let target = buffer.baseAddress else { return }
        RecordHeader.restamp(at: target, durableEnd: end, salt: salt)
    }

    /// Makes them records of another segment than the one that was active when they were encoded: what they say of that one
    /// is not true here.
    func move(toSegmentWith newSalt: UInt32, durableEnd end: Int) {
        guard newSalt != salt, let target = buffer.baseAddress else { return }
        salt = newSalt
        durableEnd = end
        var offset = 0
        while offset < buffer.count {
            RecordHeader.restamp(at: target + offset, durableEnd: end, salt: newSalt)
            offset += RecordHeader(at: target + offset).recordBytes
        }
    }
}
