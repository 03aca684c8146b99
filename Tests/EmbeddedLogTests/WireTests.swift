import CBytes
import StreamCore
import Testing

@testable import EmbeddedLog

@Suite struct ShardNumbersTests {
    @Test(arguments: [UInt32(0), 1, 1_700_000_000, .max])
    func `sequence numbers always have 39 digits`(createdSeconds: UInt32) {
        for shard in [0, 1, 0xFF_FFFF] {
            let numbers = ShardNumbers(createdSeconds: createdSeconds, shard: shard)
            for counter in [UInt64(0), 1, .max] {
                #expect(numbers.number(counter).description.count == 39)
                #expect(numbers.counter(of: numbers.number(counter)) == counter)
            }
            #expect(numbers.createdSeconds == createdSeconds)
            #expect(numbers.shard == shard)
        }
    }

    @Test func `a shard that was created later has larger numbers`() {
        let parent = ShardNumbers(createdSeconds: 5, shard: 9)
        let child = ShardNumbers(createdSeconds: 6, shard: 0)

        #expect(parent.number(.max) < child.number(0))
        #expect(child.counter(of: parent.number(1)) == nil)
        #expect(child.counter(of: SequenceNumber(7)) == nil)
    }
}

@Suite struct SegmentHeaderTests {
    private let header = SegmentHeader(
        numbers: 0x5011_2233_4400_0007,
        baseCounter: 3,
        createdMilliseconds: 0x0102,
        salt: 0x0A0B_0C0D
    )

    @Test func `the header has its place for each field`() {
        let bytes = header.bytes

        #expect(bytes.count == 48)
        #expect(bytes[0..<8].elementsEqual("millrace".utf8))
        #expect(bytes[8..<16] == [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes[16..<24] == [7, 0, 0, 0x44, 0x33, 0x22, 0x11, 0x50])
        #expect(bytes[24..<32] == [3, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes[32..<40] == [2, 1, 0, 0, 0, 0, 0, 0])
        #expect(bytes[40..<44] == [0x0D, 0x0C, 0x0B, 0x0A])
        #expect(bytes.withUnsafeBytes { SegmentHeader($0) } == header)
    }

    @Test func `a header with any bit changed is refused`() {
        for bit in 0..<48 * 8 {
            var bytes = header.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(bytes.withUnsafeBytes { SegmentHeader($0) } == nil, "bit \(bit)")
        }
        #expect(header.bytes.prefix(47).withUnsafeBytes { SegmentHeader($0) } == nil)
    }
}

@Suite struct RecordHeaderTests {
    private let salt: UInt32 = 0x1234_5678

    private func record() -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: RecordHeader.byteCount) + Array("keypayload".utf8)
        bytes.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            RecordHeader.write(
                to: base,
                dataBytes: 10,
                keyBytes: 3,
                arrival: 0x0102,
                counter: 9,
                durableEnd: 0x30,
                salt: salt
            )
        }
        return bytes
    }

    private func isIntact(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            let header = RecordHeader(at: base)
            return header.recordBytes == bytes.count && header.isIntact(at: base, salt: salt)
        }
    }

    @Test func `a record has its place for each field`() {
        let bytes = record()

        #expect(bytes[4..<8] == [10, 0, 0, 0])
        #expect(bytes[8..<16] == [2, 1, 0, 0, 0, 0, 0, 0])
        #expect(bytes[16..<24] == [9, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes[24..<28] == [0x30, 0, 0, 0])
        #expect(bytes[28..<32] == [3, 0, 0, 0])
        #expect(bytes[32...].elementsEqual("keypayload".utf8))
        let checksum = bytes.dropFirst(4).withUnsafeBytes { millrace_crc32c(0, $0.baseAddress, $0.count) }
        let salted = (checksum ^ salt).littleEndian
        #expect(bytes[0..<4].elementsEqual(withUnsafeBytes(of: salted, Array.init)))
        #expect(isIntact(bytes))
    }

    @Test func `a record with any bit changed is not intact`() {
        for bit in 0..<record().count * 8 {
            var bytes = record()
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(!isIntact(bytes), "bit \(bit)")
        }
    }

    @Test func `a new durable end leaves the record intact`() {
        var bytes = record()

        bytes.withUnsafeMutableBytes { target in
            if let base = target.baseAddress { RecordHeader.restamp(at: base, durableEnd: 77, salt: salt) }
        }

        #expect(isIntact(bytes))
        #expect(bytes.withUnsafeBytes { $0.baseAddress.map { RecordHeader(at: $0).durableEnd } } == 77)
    }

    @Test func `a record is not intact in a segment with another salt`() {
        var bytes = record()
        let isIntact = bytes.withUnsafeMutableBytes { target in
            target.baseAddress.map { RecordHeader(at: $0).isIntact(at: $0, salt: salt ^ 1) }
        }

        #expect(isIntact == false)
    }

    @Test func `records that move to another segment are sealed anew for it`() throws {
        let records = NewRecords(["a", "longer", ""])
        let encoded = EncodedRecords(
            records,
            [0, 1, 2],
            byteCount: EncodedRecords.byteCount(of: records, [0, 1, 2]),
            firstCounter: 5,
            arrival: 9,
            durableEnd: 4000,
            salt: 1
        )

        encoded.move(toSegmentWith: salt, durableEnd: 48)

        let base = try #require(encoded.buffer.baseAddress)
        var offset = 0
        for counter in UInt64(5)...7 {
            let header = RecordHeader(at: base + offset)
            #expect(header.isIntact(at: base + offset, salt: salt))
            #expect(header.counter == counter && header.durableEnd == 48)
            offset += header.recordBytes
        }
        #expect(offset == encoded.buffer.count)
    }

    @Test func `zeros are no record`() {
        #expect(!isIntact([UInt8](repeating: 0, count: RecordHeader.byteCount)))
    }
}

@Suite struct SegmentSummaryTests {
    private func summary() -> SegmentSummary {
        var summary = SegmentSummary(
            emptyAfter: SegmentHeader(numbers: 1, baseCounter: 5, createdMilliseconds: 100, salt: 7)
        )
        summary.end = 200_000
        summary.lastCounter = 900
        summary.lastArrival = 0x0304
        summary.recordCount = 896
        summary.index.add(SparseIndex.Entry(counter: 5, arrival: 100, offset: 48))
        summary.index.add(SparseIndex.Entry(counter: 6, arrival: 100, offset: 90))
        summary.index.add(SparseIndex.Entry(counter: 500, arrival: 101, offset: 70_000))
        return summary
    }

    @Test func `a summary reads as it was written`() {
        let bytes = summary().bytes(baseCounter: 5)

        #expect(bytes.count == 48 + 2 * 24 + 4)
        #expect(bytes[0..<8].elementsEqual("mr-index".utf8))
        #expect(bytes[8..<16] == [5, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes[16..<24] == [0x40, 0x0D, 3, 0, 0, 0, 0, 0])
        #expect(bytes[32..<40] == [4, 3, 0, 0, 0, 0, 0, 0])
        #expect(SegmentSummary(bytes, baseCounter: 5) == summary())
        #expect(SegmentSummary(bytes, baseCounter: 6) == nil)
    }

    @Test func `a summary with any bit changed or any byte missing is refused`() {
        let whole = summary().bytes(baseCounter: 5)
        for bit in 0..<whole.count * 8 {
            var bytes = whole
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(SegmentSummary(bytes, baseCounter: 5) == nil, "bit \(bit)")
        }
        for count in 0..<whole.count {
            #expect(SegmentSummary(Array(whole.prefix(count)), baseCounter: 5) == nil, "\(count) bytes")
        }
    }

    @Test func `the index leads to a place before the record that is looked for`() {
        let index = summary().index

        #expect(index.entries.map(\.offset) == [48, 70_000])
        #expect(index.offset(before: 1) == 48)
        #expect(index.offset(before: 499) == 48)
        #expect(index.offset(before: 500) == 70_000)
        #expect(index.offset(beforeArrival: 100) == 48)
        #expect(index.offset(beforeArrival: 101) == 48)
        #expect(index.offset(beforeArrival: 102) == 70_000)
    }
}

@Suite struct ChecksumTests {
    @Test func `the checksum is Castagnoli's`() {
        let digits = Array("123456789".utf8)
        let zeros = [UInt8](repeating: 0, count: 32)

        #expect(millrace_crc32c(0, digits, digits.count) == 0xE306_9283)
        #expect(millrace_crc32c_portable(0, digits, digits.count) == 0xE306_9283)
        #expect(millrace_crc32c(0, zeros, zeros.count) == 0x8A91_36AA)
        #expect(millrace_crc32c(0, zeros, 0) == 0)
    }

    @Test func `special instructions and tables agree on every length`() {
        let bytes = (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 3) }
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for count in 0...3900 {
                let start = count % 9
                let expected = millrace_crc32c_portable(7, base + start, count)
                #expect(millrace_crc32c(7, base + start, count) == expected, "\(count) bytes")
            }
        }
    }

    @Test func `a checksum can be continued`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let whole = millrace_crc32c(0, bytes, bytes.count)
        for cut in stride(from: 0, through: 1000, by: 37) {
            let first = millrace_crc32c(0, bytes, cut)
            let second = bytes.withUnsafeBytes {
                millrace_crc32c(first, $0.baseAddress.map { $0 + cut }, 1000 - cut)
            }
            #expect(second == whole)
        }
    }
}
