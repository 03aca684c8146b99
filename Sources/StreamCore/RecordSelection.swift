/// Some records of a batch, in order: what one invocation gets.
package struct RecordSelection: Sendable {
    package enum Indices: Sendable {
        case range(Range<Int>)
        /// Ascending, for a filter's result or a lane.
        case list([UInt32])
    }

    package let batch: RecordBatch
    package let indices: Indices

    package init(batch: RecordBatch, indices: Indices) {
        self.batch = batch
        self.indices = indices
    }

    package var count: Int {
        switch indices {
        case .range(let range): range.count
        case .list(let list): list.count
        }
    }

    package var isEmpty: Bool { count == 0 }

    /// The entry at `position` of the selection, not of the batch.
    package subscript(position: Int) -> RecordEntry {
        switch indices {
        case .range(let range): batch.entries[range.lowerBound + position]
        case .list(let list): batch.entries[Int(list[position])]
        }
    }

    package var first: RecordEntry? { isEmpty ? nil : self[0] }
    package var last: RecordEntry? { isEmpty ? nil : self[count - 1] }

    /// Keys and payloads of the selected records together.
    package var dataBytes: Int {
        var total = 0
        forEach { total += $0.dataBytes }
        return total
    }

    /// Calls `body` with each selected entry in order.
    @inline(__always)
    package func forEach(_ body: (RecordEntry) throws -> Void) rethrows {
        switch indices {
        case .range(let range): for index in range { try body(batch.entries[index]) }
        case .list(let list): for index in list { try body(batch.entries[Int(index)]) }
        }
    }

    /// The records from `position` of the selection on.
    package func dropFirst(_ position: Int) -> RecordSelection { slice(min(position, count)..<count) }

    /// The first `length` records.
    package func prefix(_ length: Int) -> RecordSelection { slice(0..<min(length, count)) }

    private func slice(_ positions: Range<Int>) -> RecordSelection {
        switch indices {
        case .range(let range):
            let start = range.lowerBound + positions.lowerBound
            return RecordSelection(batch: batch, indices: .range(start..<start + positions.count))
        case .list(let list):
            return RecordSelection(batch: batch, indices: .list(Array(list[positions])))
        }
    }

    /// How many of the records come before `number`; the position of `number` itself when it is selected.
    package func position(of number: SequenceNumber) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].sequenceNumber < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// A batch that holds only these records, with no bytes of others.
    ///
    /// Copies them.
    package func compacted() -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        bytes.reserveCapacity(dataBytes)
        entries.reserveCapacity(count)
        forEach { entry in
            let offset = UInt32(bytes.count)
            bytes += batch.bytes[entry.keyRange.lowerBound..<entry.payloadRange.upperBound]
            entries.append(
                RecordEntry(
                    sequenceNumber: entry.sequenceNumber,
                    arrival: entry.arrival,
                    offset: offset,
                    keyBytes: entry.keyBytes,
                    payloadBytes: entry.payloadBytes,
                    subSequenceNumber: entry.subSequenceNumber
                )
            )
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }
}
