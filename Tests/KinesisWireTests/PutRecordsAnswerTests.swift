import KinesisWire
import StreamCore
import Testing

struct PutRecordsAnswerTests {
    private func text(_ answer: PutRecordsAnswer, _ outcomes: [PutRecordsAnswer.Outcome]) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: answer.capacity) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = answer.write(to: UnsafeMutableRawPointer(base)) { outcomes[$0] }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `each record has its number and shard, or why it was not stored`() {
        let answer = PutRecordsAnswer(recordCount: 3, failedCount: 1)

        let text = text(
            answer,
            [.stored(shard: 3, 41), .failed(message: "disk \"a\" is full"), .stored(shard: 120, 7)]
        )

        #expect(
            text
                == #"{"FailedRecordCount":1,"Records":[{"SequenceNumber":"41","ShardId":"shardId-000000000003"},"#
                + #"{"ErrorCode":"InternalFailure","ErrorMessage":"disk \"a\" is full"},"#
                + #"{"SequenceNumber":"7","ShardId":"shardId-000000000120"}]}"#
        )
    }

    @Test func `numbers of shards in turn come out right`() {
        let outcomes = (0..<200).map { index in
            PutRecordsAnswer.Outcome.stored(
                shard: index % 40,
                SequenceNumber(
                    high: 0,
                    middle: UInt64(index % 40) << 32 | 0x5000_0000,
                    low: UInt64(index * 97)
                )
            )
        }

        let text = text(PutRecordsAnswer(recordCount: 200, failedCount: 0), outcomes)

        for case .stored(let shard, let number) in outcomes {
            #expect(text.contains(#"{"SequenceNumber":"\#(number)","ShardId":"\#(ShardID(number: shard))"}"#))
        }
    }

    @Test func `a long message is cut between two characters`() {
        let answer = PutRecordsAnswer(recordCount: 1, failedCount: 1)

        let text = text(answer, [.failed(message: "x" + String(repeating: "é", count: 1_000))])

        #expect(text.utf8.count <= answer.capacity)
        #expect(text.hasSuffix("éé\"}]}"))
    }
}
