import Foundation
import KinesisWire
import StreamCore
import Testing

struct ReceivedRecordsTests {
    private func read(_ json: String) throws -> ReceivedRecords {
        try Array(json.utf8).withUnsafeBytes { try ReceivedRecords(json: $0) }
    }

    @Test func `records are read whatever the order of their members`() throws {
        let received = try read(
            #"""
            {"Records": [
              {"SequenceNumber":"49590338271490256608559692538361571095921575989136588898",
               "ApproximateArrivalTimestamp":1.441215410867E9,"Data":"Zm9v","PartitionKey":"a\"é\u00e9",
               "EncryptionType":"NONE"},
              {"Data":"","PartitionKey":"k","ApproximateArrivalTimestamp":1700000000.005,"Other":{"a":[1,null]},
               "SequenceNumber":"49590338271490256608559692538361571095921575989136588905"},
              {"Data":"Zm9v\/w==","PartitionKey":"k","ApproximateArrivalTimestamp":1700000001,
               "SequenceNumber":"49590338271490256608559692538361571095922575989136588905"}],
             "NextShardIterator":"AAA\/b+c=","MillisBehindLatest":7}
            """#
        )

        let batch = received.batch
        #expect(
            batch.entries.map(\.sequenceNumber.description) == [
                "49590338271490256608559692538361571095921575989136588898",
                "49590338271490256608559692538361571095921575989136588905",
                "49590338271490256608559692538361571095922575989136588905",
            ]
        )
        #expect(
            batch.entries.map(\.arrival.milliseconds) == [
                1_441_215_410_867, 1_700_000_000_005, 1_700_000_001_000,
            ]
        )
        #expect(batch.entries.indices.map(batch.partitionKey) == ["a\"éé", "k", "k"])
        #expect(
            batch.entries.indices.map(batch.payload) == [Array("foo".utf8), [], Array("foo".utf8) + [0xFF]]
        )
        #expect(received.nextShardIterator == "AAA/b+c=")
        #expect(received.millisBehindLatest == 7)
        #expect(!received.hasChildShards)
    }

    @Test func `the end of a shard has no iterator, or children`() throws {
        let answer = try read(#"{"MillisBehindLatest":0,"NextShardIterator":null,"Records":[]}"#)
        let event = try read(
            #"{"ContinuationSequenceNumber":"12","ChildShards":[{"ShardId":"shardId-1"}],"Records":[]}"#
        )

        #expect(answer.nextShardIterator == nil)
        #expect(answer.batch.isEmpty)
        #expect(event.hasChildShards)
        #expect(event.continuation == 12)
    }

    @Test func `what the embedded log's API writes is read as it was`() throws {
        var bytes: [UInt8] = []
        let entries = (0..<1_000).map { index in
            let key = "key-\(index)"
            let entry = RecordEntry(
                sequenceNumber: SequenceNumber(UInt128(1) << 100 + UInt128(index) * 999_999_999_999_999_999),
                arrival: Timestamp(milliseconds: 1_700_000_000_000 + Int64(index)),
                offset: UInt32(bytes.count),
                keyBytes: UInt16(key.utf8.count),
                payloadBytes: UInt32(index % 5)
            )
            bytes += key.utf8 + (0..<index % 5).map { UInt8($0 + 250) }
            return entry
        }
        let answer = GetRecordsAnswer(
            batch: RecordBatch(bytes: bytes, entries: entries),
            nextShardIterator: "next",
            millisBehindLatest: 3
        )
        let json = [UInt8](unsafeUninitializedCapacity: answer.capacity) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = answer.write(to: UnsafeMutableRawPointer(base))
        }

        let batch = try json.withUnsafeBytes { try ReceivedRecords(json: $0) }.batch

        #expect(batch.entries == entries)
        #expect(batch.bytes == bytes)
    }

    @Test(arguments: [
        "", "{", "[]", #"{"Records":[{}]}"#, #"{"Records":[{"SequenceNumber":"x"}]}"#,
        #"{"Records":[{"SequenceNumber":"1","Data":"%"}]}"#,
        #"{"Records":[{"SequenceNumber":"1","Data":"Zm9v"}"#,
        #"{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":999999999999999999}]}"#,
        #"{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":9999999999999999.9}]}"#,
    ])
    func `what is no such answer is refused`(json: String) {
        #expect(throws: KinesisError.self) { try read(json) }
    }
}
