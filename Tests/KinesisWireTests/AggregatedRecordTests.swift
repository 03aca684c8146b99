import ByteCoding
import KinesisWire
import StreamCore
import Testing

struct AggregatedRecordTests {
    /// What the Python library `aws-kinesis-agg` makes of alpha: one, beta (hash key 5): two, alpha: three.
    private static let aggregate =
        Base64.decode(
            "84mawgoFYWxwaGEKBGJldGESATUaBwgAGgNvbmUaCQgBEAAaA3R3bxoJCAAaBXRocmVlRcp8i0515bbulkm4a7IilA=="
        )
        ?? []

    private func batch(_ payloads: [UInt8]...) -> RecordBatch {
        var bytes: [UInt8] = []
        let entries = payloads.enumerated().map { index, payload in
            let entry = RecordEntry(
                sequenceNumber: SequenceNumber(integerLiteral: UInt64(index + 1)),
                arrival: Timestamp(milliseconds: Int64(index)),
                offset: UInt32(bytes.count),
                keyBytes: 1,
                payloadBytes: UInt32(payload.count)
            )
            bytes += [UInt8(ascii: "k")] + payload
            return entry
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    private let everything = HashKeyRange(start: 0, end: .max)

    @Test func `an aggregate is taken apart between other records`() {
        let whole = batch([1], Self.aggregate, [2])

        let parts = whole.deaggregated(within: everything)

        #expect(parts.entries.map(\.sequenceNumber) == [1, 2, 2, 2, 3])
        #expect(parts.entries.map(\.subSequenceNumber) == [0, 0, 1, 2, 0])
        #expect(parts.entries.map(\.arrival.milliseconds) == [0, 1, 1, 1, 2])
        #expect(parts.entries.indices.map(parts.partitionKey) == ["k", "alpha", "beta", "alpha", "k"])
        #expect(
            parts.entries.indices.map { String(decoding: parts.payload(at: $0), as: UTF8.self) }
                == ["\u{1}", "one", "two", "three", "\u{2}"]
        )
    }

    @Test func `a part outside of the shard drops the whole aggregate`() {
        let parts = batch([1], Self.aggregate).deaggregated(within: HashKeyRange(start: 6, end: .max))

        #expect(parts.entries.map(\.sequenceNumber) == [1])
    }

    @Test func `what is damaged or too short is an ordinary record`() {
        var damaged = Self.aggregate
        damaged[10] ^= 1
        let short = Array(Self.aggregate.prefix(12))

        let batch = batch(damaged, short, Array(Self.aggregate.dropFirst()))

        #expect(batch.deaggregated(within: everything).entries == batch.entries)
    }

    @Test(arguments: [1_024, 1_025])
    func `an aggregate with a key that no stream takes is an ordinary record`(keyBytes: Int) {
        let length = [UInt8(keyBytes & 0x7F) | 0x80, UInt8(keyBytes >> 7)]
        let key = [0x0A] + length + [UInt8](repeating: UInt8(ascii: "k"), count: keyBytes)
        let part: [UInt8] = [0x1A, 5, 0x08, 0, 0x1A, 1, UInt8(ascii: "x")]

        let parts = batch(aggregate(of: key + part + part)).deaggregated(within: everything)

        #expect(parts.entries.count == (keyBytes == 1_024 ? 2 : 1))
    }

    @Test(arguments: ["5", "x"])
    func `an aggregate with a hash key that is no number is an ordinary record`(hashKey: String) {
        let keys: [UInt8] = [0x0A, 1, UInt8(ascii: "k"), 0x12, 1] + hashKey.utf8
        let part: [UInt8] = [0x1A, 7, 0x08, 0, 0x10, 0, 0x1A, 1, UInt8(ascii: "x")]

        let parts = batch(aggregate(of: keys + part + part)).deaggregated(within: everything)

        #expect(parts.entries.count == (hashKey == "5" ? 2 : 1))
    }

    private func aggregate(of message: [UInt8]) -> [UInt8] {
        let digest = message.withUnsafeBytes { HashKey.of($0) }
        return [0xF3, 0x89, 0x9A, 0xC2] + message + withUnsafeBytes(of: digest.bigEndian) { Array($0) }
    }
}
