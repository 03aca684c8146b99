import Foundation
import KinesisWire
import StreamCore
import TestSupport
import Testing

/// Bytes as the AWS SDK for Java writes them, and back.
struct CBORTests {
    private func hex(_ text: String) -> [UInt8] {
        let digits = Array(text.filter { !$0.isWhitespace })
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
    }

    private func json(_ cbor: String) throws -> String {
        String(decoding: try hex(cbor).withUnsafeBytes { try CBORToJSON.transcode($0) }, as: UTF8.self)
    }

    private func cbor(_ json: String) throws -> [UInt8] {
        try [UInt8](json.utf8).withUnsafeBytes { try JSONToCBOR.transcode($0) }
    }

    private func decode(_ cbor: [UInt8]) throws -> PutRequest {
        try cbor.withUnsafeBytes { try CBORPutRecordsDecoder.decodeRecords($0) }
    }

    @Test(arguments: [
        ("a0", "{}"), ("bfff", "{}"), ("a1 61 61 01", #"{"a":1}"#), ("bf 61 61 20 ff", #"{"a":-1}"#),
        ("a2 61 61 f5 61 62 f6", #"{"a":true,"b":null}"#), ("a1 61 61 82 01 19 03 e8", #"{"a":[1,1000]}"#),
        ("a1 61 61 9f f4 ff", #"{"a":[false]}"#), ("a1 61 61 f9 3e 00", #"{"a":1.5}"#),
        ("a1 61 61 fb 40 09 21 fb 54 44 2d 18", #"{"a":3.141592653589793}"#),
        ("a1 61 61 42 00 ff", #"{"a":"AP8="}"#), ("a1 61 61 7f 62 c3 a9 61 22 ff", #"{"a":"é\""}"#),
        // Whole numbers behind the tag of a moment are milliseconds, as the SDK has them; fractions are seconds.
        ("a1 61 54 c1 1b 00 00 01 8b cf e5 68 7b", #"{"T":1700000000.123}"#),
        ("a1 61 54 c1 fb 41 d9 54 fc 40 00 00 00", #"{"T":1700000000.0}"#), ("d9 d9 f7 a0", "{}"),
    ])
    func `a request in CBOR says what its JSON says`(cbor: String, expected: String) throws {
        #expect(try json(cbor) == expected)
    }

    @Test(arguments: [
        "a1", "a1 61", "a1 61 61", "a1 01 01", "a1 61 61 7f 01 ff", "a1 61 61 62 ff fe", "ff", "a0 00",
        "1c", "a1 61 61 5b ff ff ff ff ff ff ff ff", "9b ff ff ff ff ff ff ff ff",
        String(repeating: "81", count: 100), String(repeating: "c1", count: 100) + "01",
        "a1 61 61 f9 7e 00",
    ])
    func `what is no CBOR is a SerializationException`(cbor: String) throws {
        let error = #expect(throws: KinesisError.self) { try json(cbor) }
        #expect(error?.kind == .serialization)
    }

    @Test func `an answer's moments are tagged milliseconds, its numbers and texts as they are`() throws {
        let written = try cbor(
            #"{"A":[1,-5,true,null,1.5],"CreationTimestamp":1700000000.123,"N":"é\n","E":{},"L":[]}"#
        )

        #expect(
            written
                == hex(
                    """
                    bf 6141 9f 01 24 f5 f6 fb 3ff8000000000000 ff
                    71 4372656174696f6e54696d657374616d70 c1 1b 0000018bcfe5687b
                    614e 63 c3a90a 6145 bf ff 614c 9f ff ff
                    """
                )
        )
        #expect(try written.withUnsafeBytes { try CBORToJSON.transcode($0) }.isEmpty == false)
    }

    @Test func `records in CBOR become what they become in JSON`() throws {
        // {"Records": [{"Data": h'00ff', "PartitionKey": "ké"}, {"PartitionKey": "b", "ExplicitHashKey": "7", "Data": ''}],
        //  "StreamName": "s"}, with and without lengths said beforehand.
        let records = """
            a2 64 44617461 42 00ff 6c 506172746974696f6e4b6579 63 6bc3a9
            bf 6c 506172746974696f6e4b6579 7f 61 62 60 ff 6f 4578706c6963697448617368 4b6579 61 37 64 44617461 40 ff
            """
        for body in [
            "a2 67 5265636f726473 82 \(records) 6a 53747265616d4e616d65 61 73",
            "bf 6a 53747265616d4e616d65 61 73 61 78 81 a1 61 79 01 67 5265636f726473 9f \(records) ff ff",
        ] {
            let request = try decode(hex(body))

            #expect(request.stream == StreamReference(name: "s", arn: nil))
            #expect(request.records.bytes == Array("ké".utf8) + [0, 0xFF] + Array("b".utf8))
            #expect(
                request.records.entries == [
                    NewRecords.Entry(hashKey: HashKey.of("ké"), offset: 0, keyBytes: 3, payloadBytes: 2),
                    NewRecords.Entry(hashKey: 7, offset: 5, keyBytes: 1, payloadBytes: 0),
                ]
            )
        }
    }

    @Test func `broken rules are named as in JSON`() throws {
        let error = #expect(throws: KinesisError.self) {
            try decode(hex("a1 67 5265636f726473 82 a0 a1 64 44617461 f6"))
        }

        #expect(error?.kind == .validation)
        #expect(
            error?.message.hasPrefix(
                "4 validation errors detected: Value null at 'records.1.member.partition"
            ) == true
        )
    }

    @Test func `random bytes are refused or read, and never trap`() throws {
        var random = SeededRandom()
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: .min ... .max, using: &random)
                    : [0xA1, 0x81, 0x61, 0x41, 0xBF, 0x9F, 0xFF, 0xC1].randomElement(using: &random) ?? 0
            }
            _ = try? bytes.withUnsafeBytes { try CBORToJSON.transcode($0) }
            _ = try? decode(hex("a1 67 5265636f726473") + bytes)
        }
    }

    @Test func `a GetRecords answer in CBOR has payloads as bytes and fits its room`() throws {
        let batch = RecordBatch(
            bytes: Array("k1data".utf8),
            entries: [
                RecordEntry(
                    sequenceNumber: 49,
                    arrival: Timestamp(milliseconds: 1_700_000_000_123),
                    offset: 0,
                    keyBytes: 2,
                    payloadBytes: 4
                )
            ]
        )
        let child = Shard(
            id: ShardID(number: 3),
            hashKeyRange: HashKeyRange(start: 0, end: 9),
            parent: ShardID(number: 1),
            startingSequenceNumber: 0
        )
        let answer = GetRecordsAnswer(
            batch: batch,
            nextShardIterator: "next",
            millisBehindLatest: 12,
            childShards: [child],
            continuation: 49
        )

        let bytes = [UInt8](unsafeUninitializedCapacity: answer.capacity) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = answer.writeCBOR(to: UnsafeMutableRawPointer(base))
        }

        let text = try bytes.withUnsafeBytes { try CBORToJSON.transcode($0) }
        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"ChildShards":[{"HashKeyRange":{"EndingHashKey":"9","StartingHashKey":"0"},"#
                + #""ParentShards":["shardId-000000000001"],"ShardId":"shardId-000000000003"}],"#
                + #""ContinuationSequenceNumber":"49","MillisBehindLatest":12,"NextShardIterator":"next","Records":[{"#
                + #""ApproximateArrivalTimestamp":1700000000.123,"Data":"ZGF0YQ==","PartitionKey":"k1","SequenceNumber":"49"}]}"#
        )
        #expect(bytes.count <= answer.capacity)
    }

    @Test func `a PutRecords answer in CBOR says shard and number, or the failure`() throws {
        let answer = PutRecordsAnswer(recordCount: 2, failedCount: 1)
        let bytes = [UInt8](unsafeUninitializedCapacity: answer.capacity) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = answer.writeCBOR(to: UnsafeMutableRawPointer(base)) { index in
                index == 0 ? .stored(shard: 2, 51) : .failed(message: "full")
            }
        }

        let text = try bytes.withUnsafeBytes { try CBORToJSON.transcode($0) }
        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"FailedRecordCount":1,"Records":[{"SequenceNumber":"51","ShardId":"shardId-000000000002"},"#
                + #"{"ErrorCode":"InternalFailure","ErrorMessage":"full"}]}"#
        )
    }
}
