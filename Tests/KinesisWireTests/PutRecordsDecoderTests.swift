import KinesisWire
import StreamCore
import TestSupport
import Testing

struct PutRecordsDecoderTests {
    private func decode(_ json: String) throws -> PutRequest {
        try [UInt8](json.utf8).withUnsafeBytes { try PutRecordsDecoder.decodeRecords($0) }
    }

    private func decodeSingle(_ json: String) throws -> PutRequest {
        try [UInt8](json.utf8).withUnsafeBytes { try PutRecordsDecoder.decodeRecord($0) }
    }

    private func texts(_ records: NewRecords) -> [(key: String, payload: String)] {
        records.entries.map { entry in
            let keyEnd = Int(entry.offset) + Int(entry.keyBytes)
            let key = records.bytes[Int(entry.offset)..<keyEnd]
            let payload = records.bytes[keyEnd..<keyEnd + Int(entry.payloadBytes)]
            return (String(decoding: key, as: UTF8.self), String(decoding: payload, as: UTF8.self))
        }
    }

    @Test func `records stand one after the other, key before payload`() throws {
        let request = try decode(
            #"{"StreamName":"flights","Records":[{"Data":"Zm9v","PartitionKey":"k1"},{"PartitionKey":"key2","Data":"YmFyIQ=="}]}"#
        )

        #expect(request.stream == StreamReference(name: "flights", arn: nil))
        #expect(request.records.bytes == Array("k1fookey2bar!".utf8))
        #expect(
            request.records.entries == [
                NewRecords.Entry(hashKey: HashKey.of("k1"), offset: 0, keyBytes: 2, payloadBytes: 3),
                NewRecords.Entry(hashKey: HashKey.of("key2"), offset: 5, keyBytes: 4, payloadBytes: 4),
            ]
        )
    }

    @Test func `keys come in any order, with whitespace, and unknown ones are ignored`() throws {
        let request = try decode(
            """
             { "Records" : [ { "Extra" : { "a" : [ 1 , -2.5e3 , null , true , "x\\"]}" ] } ,
               "ExplicitHashKey" : "7" , "Data" : "Zm9v" , "PartitionKey" : "k" , "Data2" : [] } ] ,
            \t"StreamARN" : "arn:aws:kinesis:us-east-1:000000000000:stream\\/s" , "StreamId" : null, "StreamName":"s" }\r
            """
        )

        #expect(
            request.stream
                == StreamReference(name: "s", arn: "arn:aws:kinesis:us-east-1:000000000000:stream/s")
        )
        #expect(texts(request.records).map(\.key) == ["k"])
        #expect(texts(request.records).map(\.payload) == ["foo"])
        #expect(request.records.entries.map(\.hashKey) == [7])
    }

    @Test(arguments: [
        (#"a\"b\\c\/d"#, "a\"b\\c/d"), (#"\b\f\n\r\t"#, "\u{8}\u{c}\n\r\t"), (#"\u0041\u00e9\u20AC"#, "Aé€"),
        (#"\ud83d\udee9"#, "🛩"), ("größe🛩", "größe🛩"), (#"größe\u0021"#, "größe!"), (#"\u0000"#, "\0"),
    ])
    func `escapes in partition keys are resolved`(json: String, key: String) throws {
        let request = try decode(#"{"Records":[{"Data":"Zm9v","PartitionKey":"\#(json)"}]}"#)

        #expect(texts(request.records).map(\.key) == [key])
        #expect(texts(request.records).map(\.payload) == ["foo"])
    }

    @Test(arguments: [
        #"\ud83d"#, #"\udee9"#, #"\ud83dx"#, #"\ud83d\u0041"#, #"\u12"#, #"\u12g4"#, #"\x"#, "\u{1}",
        "tab\there",
    ])
    func `half a surrogate pair, an unknown escape or a control character is no partition key`(json: String) {
        let error = #expect(throws: KinesisError.self) {
            try decode(#"{"Records":[{"Data":"Zm9v","PartitionKey":"\#(json)"}]}"#)
        }
        #expect(error?.kind == .serialization)
    }

    @Test func `bytes that are no UTF-8 are no partition key`() {
        var body = Array(#"{"Records":[{"Data":"Zm9v","PartitionKey":"k"}]}"#.utf8)
        for index in body.indices where body[index] == UInt8(ascii: "k") { body[index] = 0xC3 }

        #expect(throws: KinesisError.self) {
            try body.withUnsafeBytes { try PutRecordsDecoder.decodeRecords($0) }
        }
    }

    @Test func `data may have its slashes escaped`() throws {
        let request = try decode(#"{"Records":[{"PartitionKey":"k","Data":"\/\/8\/"}]}"#)

        #expect(request.records.bytes == [UInt8(ascii: "k"), 0xFF, 0xFF, 0x3F])
    }

    @Test func `empty data is a record without payload`() throws {
        let request = try decode(#"{"Records":[{"PartitionKey":"k","Data":""}]}"#)

        #expect(request.records.entries.map(\.payloadBytes) == [0])
    }

    @Test func `the last of several equal keys counts`() throws {
        let request = try decode(#"{"Records":[{"PartitionKey":"a","PartitionKey":"b","Data":"Zm9v"}]}"#)

        #expect(texts(request.records).map(\.key) == ["b"])
    }

    static let violations: [(String, String)] = [
        (
            #"{"StreamName":"s"}"#,
            "Value null at 'records' failed to satisfy constraint: Member must not be null"
        ),
        (
            #"{"Records":null}"#,
            "Value null at 'records' failed to satisfy constraint: Member must not be null"
        ),
        (
            #"{"Records":[]}"#,
            "Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ),
        (
            #"{"Records":[{"PartitionKey":"k","Data":"Zm9v"},{"PartitionKey":"k"}]}"#,
            "Value null at 'records.2.member.data' failed to satisfy constraint: Member must not be null"
        ),
        (
            #"{"Records":[{"PartitionKey":null,"Data":"Zm9v"}]}"#,
            "Value null at 'records.1.member.partitionKey' failed to satisfy constraint: Member must not be null"
        ),
        (
            #"{"Records":[{"PartitionKey":"","Data":"Zm9v"}]}"#,
            "Value '' at 'records.1.member.partitionKey' failed to satisfy constraint: "
                + "Member must have length greater than or equal to 1"
        ),
        (
            #"{"Records":[{"PartitionKey":"k","Data":"","ExplicitHashKey":"01"}]}"#,
            "Value '01' at 'records.1.member.explicitHashKey' failed to satisfy constraint: "
                + #"Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})"#
        ),
    ]

    @Test(arguments: violations)
    func `a broken rule is named with its place`(json: String, violation: String) {
        let error = #expect(throws: KinesisError.self) { try decode(json) }

        #expect(error?.kind == .validation)
        #expect(error?.message == "1 validation error detected: " + violation)
    }

    @Test func `at most ten broken rules are named`() {
        let records = (0..<12).map { _ in "{}" }.joined(separator: ",")

        let error = #expect(throws: KinesisError.self) { try decode(#"{"Records":[\#(records)]}"#) }

        #expect(error?.message.hasPrefix("10 validation errors detected: ") == true)
        #expect(error?.message.components(of: "; ") == 10)
    }

    @Test func `a partition key has at most 256 characters, however many bytes they take`() throws {
        let longest = String(repeating: "🛩", count: 256)
        let request = try decode(#"{"Records":[{"PartitionKey":"\#(longest)","Data":""}]}"#)
        #expect(request.records.entries.map(\.keyBytes) == [1_024])

        let error = #expect(throws: KinesisError.self) {
            try decode(#"{"Records":[{"PartitionKey":"\#(longest)x","Data":""}]}"#)
        }
        #expect(error?.message.hasSuffix("Member must have length less than or equal to 256") == true)
    }

    @Test func `an explicit hash key reaches to 2^128 - 1`() throws {
        let largest = "340282366920938463463374607431768211455"
        let request = try decode(
            #"{"Records":[{"PartitionKey":"k","Data":"","ExplicitHashKey":"\#(largest)"}]}"#
        )
        #expect(request.records.entries.map(\.hashKey) == [.max])

        let beyond = "340282366920938463463374607431768211456"
        let error = #expect(throws: KinesisError.self) {
            try decode(#"{"Records":[{"PartitionKey":"k","Data":"","ExplicitHashKey":"\#(beyond)"}]}"#)
        }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.message.hasSuffix("Specified value was \(beyond)") == true)
    }

    @Test func `a PutRecords takes 500 records and 10 MiB`() throws {
        let record = #"{"PartitionKey":"k","Data":"Zm9v"}"#
        let full = Array(repeating: record, count: 500).joined(separator: ",")
        #expect(try decode(#"{"Records":[\#(full)]}"#).records.count == 500)

        let tooMany = #expect(throws: KinesisError.self) { try decode(#"{"Records":[\#(full),\#(record)]}"#) }
        #expect(tooMany?.message.hasSuffix("Member must have length less than or equal to 500") == true)

        let half = String(repeating: "AAAA", count: 5 * 1024 * 1024 / 3 + 1)
        let large = #"{"PartitionKey":"k","Data":"\#(half)"}"#
        let tooLarge = #expect(throws: KinesisError.self) {
            try decode(#"{"Records":[\#(large),\#(large)]}"#)
        }
        #expect(tooLarge?.kind == .invalidArgument)
    }

    @Test func `one record has at most 10 MiB`() throws {
        let largest = String(repeating: "AAAA", count: 10 * 1024 * 1024 / 3) + "AA=="
        let request = try decodeSingle(#"{"PartitionKey":"k","Data":"\#(largest)"}"#)
        #expect(request.records.entries.map(\.payloadBytes) == [10 * 1024 * 1024])

        let beyond = String(repeating: "AAAA", count: 10 * 1024 * 1024 / 3) + "AAA="
        let error = #expect(throws: KinesisError.self) {
            try decodeSingle(#"{"PartitionKey":"k","Data":"\#(beyond)"}"#)
        }
        #expect(error?.message.contains("at 'data' failed") == true)
    }

    @Test func `a single record carries its stream and the number to come after`() throws {
        let request = try decodeSingle(
            #"{"Data":"Zm9v","SequenceNumberForOrdering":"12","StreamName":"s","PartitionKey":"k"}"#
        )

        #expect(request.stream.name == "s")
        #expect(request.sequenceNumberForOrdering == "12")
        #expect(texts(request.records).map(\.payload) == ["foo"])
    }

    @Test(arguments: [
        "", " ", "[]", "{", #"{"Records""#, #"{"Records":[}"#, #"{"Records":[{"Data":"Zm9v"]}"#,
        #"{"Records":[]}x"#,
        #"{"Records":[{"Data":"Zm9v,"PartitionKey":"k"}]}"#, #"{"Records":{}}"#, #"{"a":nul}"#, #"{"a":}"#,
        #"{"Records":[{"Data":7,"PartitionKey":"k"}]}"#,
        #"{"Records":[{"Data":"Zm9v","PartitionKey":true}]}"#,
        #"{"Records":[{"Data":"Zm9","PartitionKey":"k"}]}"#,
        #"{"Records":[{"Data":"Z!9v","PartitionKey":"k"}]}"#,
    ])
    func `what is not the JSON of the API is a SerializationException`(json: String) {
        let error = #expect(throws: KinesisError.self) { try decode(json) }

        #expect(error?.kind == .serialization)
    }

    @Test func `nesting without end is refused instead of followed`() {
        let deep = String(repeating: "[", count: 100_000)

        #expect(throws: KinesisError.self) { try decode(#"{"a":\#(deep)"#) }
    }

    @Test func `a body cut at any byte is refused`() throws {
        let whole = Array(
            #"{"StreamName":"s","Records":[{"Data":"Zm9v","PartitionKey":"k\u0041"},{"PartitionKey":"k","Data":""}]}"#
                .utf8
        )
        for length in 0..<whole.count {
            #expect(throws: KinesisError.self, "cut at \(length)") {
                try whole[..<length].withUnsafeBytes { try PutRecordsDecoder.decodeRecords($0) }
            }
        }
    }
}

extension String {
    fileprivate func components(of separator: String) -> Int { split(separator: separator).count }
}
