import ByteCoding
import Foundation
import HandlerWire
import StreamCore
import TestSupport
import Testing

struct LambdaEventWriterTests {
    private let writer = LambdaEventWriter(
        streamARN: sampleContext.streamARN,
        shard: sampleContext.shard,
        region: "us-east-1",
        invokeIdentityARN: "arn:aws:iam::000000000000:role/millrace"
    )

    private func event(_ records: RecordSelection) -> [UInt8] {
        var bytes = ByteWriter()
        writer.write(records, to: &bytes)
        return bytes.bytes
    }

    @Test func `a record becomes the event that Lambda sends, byte for byte`() {
        let batch = makeBatch([("1", Array("Hello, this is a test.".utf8))], start: 49_590_338)

        let text = String(decoding: event(batch.all), as: UTF8.self)

        let expected =
            #"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1","sequenceNumber":"49590338","#
            + #""data":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==","approximateArrivalTimestamp":1545084650.987},"#
            + #""eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000003:49590338","#
            + #""eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::000000000000:role/millrace","#
            + #""awsRegion":"us-east-1","#
            + #""eventSourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/flights"}]}"#
        #expect(text == expected)
    }

    @Test func `an event without records is an empty list`() {
        #expect(String(decoding: event(RecordBatch.empty.all), as: UTF8.self) == #"{"Records":[]}"#)
    }

    @Test func `an event holds the selected records only`() throws {
        let batch = makeBatch((0..<5).map { ("key\($0)", [UInt8($0)]) })

        let selected = try keys(event(RecordSelection(batch: batch, indices: .list([0, 3]))))

        #expect(selected == ["key0", "key3"])
    }

    @Test func `any key and payload survive the event`() throws {
        var random = SeededRandom()
        print("seed \(random.seed)")
        let characters = Array("ab\"\\/\n\r\t\u{0}\u{1F}é漢🛫 ")
        let records = (0..<300).map { _ in
            (
                key: String(
                    (0..<Int.random(in: 1...40, using: &random)).compactMap { _ in
                        characters.randomElement(using: &random)
                    }
                ),
                payload: (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            )
        }
        let start = UInt128.random(in: 0...(.max >> 1), using: &random)

        let decoded = try decode(event(makeBatch(records, start: start).all))

        #expect(decoded.Records.map(\.kinesis.partitionKey) == records.map(\.key))
        #expect(decoded.Records.map { Array($0.kinesis.data) } == records.map(\.payload))
        let numbers = (0..<records.count).map { String(start + UInt128($0)) }
        #expect(decoded.Records.map(\.kinesis.sequenceNumber) == numbers)
        #expect(decoded.Records.map(\.eventID) == numbers.map { "shardId-000000000003:\($0)" })
    }

    private struct Event: Decodable {
        struct Record: Decodable {
            struct Kinesis: Decodable {
                let partitionKey: String
                let sequenceNumber: String
                let data: Data
                let approximateArrivalTimestamp: Double
            }
            let kinesis: Kinesis
            let eventID: String
        }
        let Records: [Record]
    }

    private func decode(_ bytes: [UInt8]) throws -> Event {
        try JSONDecoder().decode(Event.self, from: Data(bytes))
    }

    private func keys(_ bytes: [UInt8]) throws -> [String] {
        try decode(bytes).Records.map(\.kinesis.partitionKey)
    }
}
