import ByteCoding
import KinesisWire
import StreamCore
import Testing

struct ShardIteratorTests {
    private static let issued = Timestamp(milliseconds: 1_700_000_000_000)

    private func iterator(
        next: SequenceNumber = 0x0102,
        notBefore: Timestamp? = nil,
        hint: ShardIterator.Hint? = nil
    ) -> ShardIterator {
        ShardIterator(
            stream: "flights",
            incarnation: 0x0123_4567_89AB_CDEF,
            shard: ShardID(number: 3),
            next: next,
            notBefore: notBefore,
            hint: hint,
            issued: Self.issued
        )
    }

    @Test func `a token says what its iterator says`() {
        let iterators = [
            iterator(next: .zero),
            iterator(next: SequenceNumber(high: 1, middle: 2, low: 3)),
            iterator(notBefore: Timestamp(milliseconds: 1_699_999_999_123)),
            iterator(hint: ShardIterator.Hint(segment: 7, offset: 4_096)),
        ]

        for iterator in iterators { #expect(ShardIterator(token: iterator.token) == iterator) }
    }

    @Test func `a token has the bytes of the format`() throws {
        let token = iterator(
            notBefore: Timestamp(milliseconds: 0x0304),
            hint: ShardIterator.Hint(segment: 0x0506, offset: 0x0708)
        ).token

        let bytes = try #require(Base64.decode(token))

        let head: [UInt8] = [
            1, 0x00, 0x68, 0xE5, 0xCF, 0x8B, 0x01, 0, 0, 0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01,
        ]
        let place: [UInt8] = [2, 1] + zeros(22) + [4, 3] + zeros(6) + [6, 5] + zeros(6) + [8, 7, 0, 0]
        let names = [7] + Array("flights".utf8) + [20] + Array("shardId-000000000003".utf8)
        #expect(Array(bytes.dropLast(4)) == head + place + names)
    }

    @Test func `the longest names fit in the 512 characters of an iterator`() {
        let iterator = ShardIterator(
            stream: StreamName(unchecked: String(repeating: "s", count: 128)),
            incarnation: .max,
            shard: ShardID(unchecked: String(repeating: "x", count: 128)),
            next: SequenceNumber(high: .max, middle: .max, low: .max),
            issued: Timestamp(milliseconds: .max)
        )

        #expect(iterator.token.utf8.count <= 512)
        #expect(ShardIterator(token: iterator.token) == iterator)
    }

    @Test func `a token changed in any bit is refused`() throws {
        let bytes = try #require(Base64.decode(iterator().token))
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit

                #expect(ShardIterator(token: Base64.encode(changed)) == nil, "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test(arguments: ["", "AAAA", "not base64", String(repeating: "A", count: 1_000)])
    func `garbage is no iterator`(token: String) {
        #expect(ShardIterator(token: token) == nil)
    }

    @Test func `an iterator expires after five minutes`() {
        let iterator = iterator()

        #expect(!iterator.isExpired(at: iterator.issued.advanced(byMilliseconds: 300_000)))
        #expect(iterator.isExpired(at: iterator.issued.advanced(byMilliseconds: 300_001)))
    }

    private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
