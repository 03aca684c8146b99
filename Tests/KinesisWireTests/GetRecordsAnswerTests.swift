import Foundation
import KinesisWire
import StreamCore
import Testing

struct GetRecordsAnswerTests {
    private func text(_ answer: GetRecordsAnswer) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: answer.capacity) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = answer.write(to: UnsafeMutableRawPointer(base))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func batch(_ records: [(key: String, payload: String, number: SequenceNumber, arrival: Int64)])
        -> RecordBatch
    {
        var bytes: [UInt8] = []
        let entries = records.map { record in
            let entry = RecordEntry(
                sequenceNumber: record.number,
                arrival: Timestamp(milliseconds: record.arrival),
                offset: UInt32(bytes.count),
                keyBytes: UInt16(record.key.utf8.count),
                payloadBytes: UInt32(record.payload.utf8.count)
            )
            bytes += record.key.utf8
            bytes += record.payload.utf8
            return entry
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    @Test func `records are written as the service writes them`() {
        let batch = batch([
            ("k", "foo", 49, 1_441_215_410_867), ("a\"\u{1f}é", "", 50, 1_441_215_410_867),
            ("k", "foobar", 1_000, 1_700_000_000_005),
        ])

        let answer = GetRecordsAnswer(batch: batch, nextShardIterator: "next+/=", millisBehindLatest: 12)

        #expect(
            text(answer)
                == #"{"MillisBehindLatest":12,"NextShardIterator":"next+/=","Records":["#
                + #"{"ApproximateArrivalTimestamp":1441215410.867,"Data":"Zm9v","PartitionKey":"k","SequenceNumber":"49"},"#
                + #"{"ApproximateArrivalTimestamp":1441215410.867,"Data":"","PartitionKey":"a\"\u001fé","SequenceNumber":"50"},"#
                + #"{"ApproximateArrivalTimestamp":1700000000.005,"Data":"Zm9vYmFy","PartitionKey":"k","SequenceNumber":"1000"}]}"#
        )
    }

    @Test func `the end of a closed shard names its children and no iterator`() {
        let children = [
            Shard(
                id: ShardID(number: 4),
                hashKeyRange: HashKeyRange(start: 0, end: .max),
                parent: ShardID(number: 1),
                adjacentParent: ShardID(number: 2),
                startingSequenceNumber: 0
            )
        ]

        let answer = GetRecordsAnswer(
            batch: .empty,
            nextShardIterator: nil,
            millisBehindLatest: 0,
            childShards: children
        )

        #expect(
            text(answer)
                == #"{"ChildShards":[{"HashKeyRange":{"EndingHashKey":"340282366920938463463374607431768211455","#
                + #""StartingHashKey":"0"},"ParentShards":["shardId-000000000001","shardId-000000000002"],"#
                + #""ShardId":"shardId-000000000004"}],"MillisBehindLatest":0,"Records":[]}"#
        )
    }

    @Test func `the longest keys and numbers fit in the capacity`() throws {
        let key = String(repeating: "\u{1}", count: 256)
        let number = SequenceNumber(high: .max, middle: .max, low: .max)
        let records = Array(
            repeating: (key: key, payload: "x", number: number, arrival: Int64.max),
            count: 100
        )

        let answer = GetRecordsAnswer(batch: batch(records), nextShardIterator: nil, millisBehindLatest: .max)
        let text = text(answer)

        #expect(text.utf8.count <= answer.capacity)
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect((parsed?["Records"] as? [Any])?.count == 100)
    }
}
