import StreamCore
import TestSupport
import Testing

@Suite struct RecordSelectionTests {
    /// Records 10, 11, … with payloads "p0", "p1", … of growing length.
    private func batch(_ count: Int) -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        for index in 0..<count {
            bytes += [0xFF, 0xFF]  // what a log keeps between records
            let (key, payload) = ("k\(index)", String(repeating: "p", count: index))
            entries.append(
                RecordEntry(
                    sequenceNumber: SequenceNumber(UInt128(10 + index)),
                    arrival: Timestamp(milliseconds: Int64(index)),
                    offset: UInt32(bytes.count),
                    keyBytes: UInt16(key.utf8.count),
                    payloadBytes: UInt32(payload.utf8.count)
                )
            )
            bytes += Array(key.utf8) + Array(payload.utf8)
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    private func numbers(_ selection: RecordSelection) -> [UInt64] {
        var numbers: [UInt64] = []
        selection.forEach { numbers.append($0.sequenceNumber.low) }
        return numbers
    }

    @Test func `a whole batch can be halved without copying a record`() {
        let all = batch(5).all

        #expect(numbers(all.prefix(2)) == [10, 11])
        #expect(numbers(all.dropFirst(2)) == [12, 13, 14])
        #expect(numbers(all.dropFirst(1).prefix(3).dropFirst(1)) == [12, 13])
        #expect(all.prefix(9).count == 5)
        #expect(all.dropFirst(9).isEmpty)
    }

    @Test func `picked records can be halved as well`() {
        let picked = RecordSelection(batch: batch(6), indices: .list([0, 2, 3, 5]))

        #expect(numbers(picked) == [10, 12, 13, 15])
        #expect(picked.count == 4)
        #expect(picked.first?.sequenceNumber == 10)
        #expect(picked.last?.sequenceNumber == 15)
        #expect(numbers(picked.prefix(1)) == [10])
        #expect(numbers(picked.dropFirst(1).prefix(2)) == [12, 13])
    }

    @Test func `an empty selection has no first and no last record`() {
        let empty = RecordSelection(batch: batch(3), indices: .list([]))

        #expect(empty.isEmpty && empty.first == nil && empty.last == nil)
        #expect(RecordBatch.empty.all.isEmpty)
        #expect(empty.dataBytes == 0)
    }

    @Test func `keys and payloads count, what lies between them does not`() {
        #expect(batch(4).all.dataBytes == 4 * 2 + 0 + 1 + 2 + 3)
        #expect(RecordSelection(batch: batch(4), indices: .list([1, 3])).dataBytes == 2 * 2 + 1 + 3)
    }

    @Test(arguments: [
        RecordSelection.Indices.range(1..<5),
        RecordSelection.Indices.list([1, 3, 4]),
    ])
    func `the position of a number is the count of selected records before it`(
        indices: RecordSelection.Indices
    ) {
        let selection = RecordSelection(batch: batch(6), indices: indices)
        for number in 8...18 as ClosedRange<UInt64> {
            let expected = numbers(selection).prefix { $0 < number }.count
            #expect(selection.position(of: SequenceNumber(UInt128(number))) == expected)
        }
    }

    @Test func `a compacted selection holds its records and no other bytes`() {
        let compact = RecordSelection(batch: batch(5), indices: .list([1, 4])).compacted()

        #expect(compact.bytes == Array("k1pk4pppp".utf8))
        #expect(compact.entries.map(\.sequenceNumber) == [11, 14])
        #expect(compact.entries.map(\.arrival.milliseconds) == [1, 4])
        #expect(compact.partitionKey(at: 1) == "k4")
        #expect(compact.payload(at: 1) == Array("pppp".utf8))
    }

    @Test func `batches are joined in order`() {
        let joined = batch(2).appending(batch(3))

        #expect(joined.count == 5)
        #expect(joined.partitionKey(at: 4) == "k2")
        #expect(joined.payload(at: 4) == Array("pp".utf8))
        #expect(RecordBatch.empty.appending(batch(1)).count == 1)
        #expect(batch(1).appending(.empty).count == 1)
    }

    @Test func `an entry is 48 bytes without references`() {
        #expect(MemoryLayout<RecordEntry>.stride == 48)
    }
}
