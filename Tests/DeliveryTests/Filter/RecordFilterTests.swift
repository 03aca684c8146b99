import Delivery
import StreamCore
import TestSupport
import Testing

struct RecordFilterTests {
    private let batch = RecordBatch.payloads([
        #"{"kind":"order","n":1}"#, "plain text", #"{"kind":"order","n":3}"#, #"{"kind":"refund","n":4}"#,
        #"{"kind":"order","n":5}"#,
    ])

    private func select(_ patterns: String..., from records: RecordSelection? = nil) throws -> [UInt64] {
        try RecordFilter(patterns: patterns).select(records ?? batch.all).numbers
    }

    // MARK: What is selected

    @Test func `records that match come in order, and no others`() throws {
        #expect(try select(#"{"data":{"kind":["order"]}}"#) == [1, 3, 5])
        #expect(try select(#"{"data":{"kind":["none"]}}"#) == [])
    }

    @Test func `patterns are alternatives`() throws {
        #expect(try select(#"{"data":{"kind":["refund"]}}"#, #"{"data":{"n":[1]}}"#) == [1, 4])
    }

    @Test func `without patterns every record passes`() throws {
        #expect(try select() == [1, 2, 3, 4, 5])
    }

    @Test func `a selection of which all records match stays what it was`() throws {
        let filter = try RecordFilter(patterns: [#"{"data":{"kind":["order"]}}"#])

        let range = filter.select(RecordSelection(batch: batch, indices: .range(2..<3)))
        let list = filter.select(RecordSelection(batch: batch, indices: .list([0, 4])))

        #expect(range.numbers == [3])
        guard case .range(2..<3) = range.indices else { Issue.record("became \(range.indices)"); return }
        #expect(list.numbers == [1, 5])
    }

    @Test func `a part of a batch, as a range or as a list, is filtered alone`() throws {
        let pattern = #"{"data":{"kind":["order"]}}"#

        #expect(try select(pattern, from: RecordSelection(batch: batch, indices: .range(1..<4))) == [3])
        #expect(
            try select(pattern, from: RecordSelection(batch: batch, indices: .list([1, 2, 3, 4]))) == [3, 5]
        )
        #expect(try select(pattern, from: RecordSelection(batch: batch, indices: .list([]))) == [])
        #expect(try select(pattern, from: RecordBatch.empty.all) == [])
    }

    // MARK: Metadata

    static let metadata: [(String, [UInt64])] = [
        (#"{"partitionKey":["key-2"]}"#, [2]),
        (#"{"partitionKey":[{"prefix":"key-"}]}"#, [1, 2, 3, 4, 5]),
        (#"{"partitionKey":[{"anything-but":"key-2"}]}"#, [1, 3, 4, 5]),
        (#"{"partitionKey":[{"exists":false}]}"#, []),
        (#"{"sequenceNumber":["4"]}"#, [4]),
        (#"{"sequenceNumber":[4]}"#, []),
        (#"{"approximateArrivalTimestamp":[{"numeric":[">",1545084650.002,"<=",1545084650.004]}]}"#, [3, 4]),
        (#"{"approximateArrivalTimestamp":[1545084650.005]}"#, [5]),
        (#"{"kinesisSchemaVersion":["1.0"]}"#, [1, 2, 3, 4, 5]),
        (#"{"kinesisSchemaVersion":["1"]}"#, []),
        (#"{"partitionKey":["key-1","key-4"],"data":{"kind":["order"]}}"#, [1]),
        (#"{"$or":[{"partitionKey":["key-2"]},{"data":{"n":[4]}}]}"#, [2, 4]),
    ]

    @Test(arguments: metadata)
    func `fields of the record are at the top, with the values of Lambda's event`(
        pattern: String,
        numbers: [UInt64]
    ) throws {
        #expect(try select(pattern) == numbers)
    }

    // MARK: Formats

    static let noJSON = [
        "plain text", "", " ", "{", #"{"a":1"#, #"{"a":1}x"#, #"{"a":1,}"#, #"{"a" 1}"#, #"{a:1}"#,
        #"{"a":01}"#,
        #"{"a":1.}"#, #"{"a":-}"#, #"{"a":1e}"#, #"{"a":+1}"#, #"{"a":.5}"#, #"{"a":nul}"#, #"{"a":tru"#,
        #"{"a":True}"#,
        "{\"a\":\"\n\"}", #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\u12"#, #"{"a":"\"#, #"{"a":"b}"#,
        #"[1,]"#, #"[1"#,
        #"{"a":1}{"a":1}"#, #"{"a":'b'}"#, "{\"a\":1}\0", #"{"a":1]"#, #"{1:1}"#, ",", "}", #"{"a"}"#,
        #"{"a":}"#,
    ]

    @Test(arguments: noJSON)
    func `data that is not JSON with a pattern on data: the record is dropped`(payload: String) throws {
        let records = RecordBatch.payloads([payload]).all

        for pattern in [#"{"data":{"a":[{"exists":true}]}}"#, #"{"data":{"z":[{"exists":false}]}}"#] {
            #expect(try select(pattern, from: records) == [])
        }
    }

    @Test(arguments: noJSON)
    func `data that is not JSON and no pattern on data: metadata decides alone`(payload: String) throws {
        let records = RecordBatch.payloads([payload]).all

        #expect(try select(#"{"partitionKey":["key-1"]}"#, from: records) == [1])
        #expect(try select(#"{"data":{"a":[1]}}"#, #"{"partitionKey":["key-1"]}"#, from: records) == [1])
        #expect(try select(#"{"partitionKey":["other"]}"#, from: records) == [])
    }

    @Test(arguments: [
        "5", "-0.5e+10", "null", "true", #""text""#, "[]", "[[],{}]", "{}", " \r\n\t{} ", #"[1,"a"]"#,
    ])
    func `any JSON value is JSON`(payload: String) throws {
        let records = RecordBatch.payloads([payload]).all

        #expect(try select(#"{"data":{"z":[{"exists":false}]}}"#, from: records) == [1])
        #expect(try select(#"{"data":{"z":[1]}}"#, from: records) == [])
    }

    @Test func `text in another encoding is a string that equals nothing`() throws {
        let latin = Array(#"{"name":"caf"#.utf8) + [0xE9] + Array(#"","n":1}"#.utf8)
        let records = RecordBatch.payloads([latin]).all

        #expect(try select(#"{"data":{"n":[1]}}"#, from: records) == [1])
        #expect(try select(#"{"data":{"name":["café"]}}"#, from: records) == [])
        #expect(try select(#"{"data":{"name":[{"prefix":"caf"}]}}"#, from: records) == [1])
    }

    @Test func `nesting is followed to 512 levels`() throws {
        func nested(_ depth: Int) -> String {
            #"{"a":1,"b":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
                + "}"
        }
        let records = RecordBatch.payloads([nested(511), nested(512), nested(100_000)]).all

        #expect(try select(#"{"data":{"a":[1]}}"#, from: records) == [1])
        #expect(try select(#"{"data":{"b":[1]}}"#, #"{"data":{"a":[1]}}"#, from: records) == [1])
    }
}
