import Delivery
import StreamCore
import TestSupport
import Testing

struct BatchItemFailuresTests {
    private let batch = RecordBatch.numbered(10...15).all

    private func failures(_ answer: String, in batch: RecordSelection? = nil) -> BatchItemFailures {
        BatchItemFailures(answer: Array(answer.utf8), batch: batch ?? self.batch)
    }

    /// "Complete success: no payload, `""`, `null`, `{}`, `batchItemFailures` absent, null or `[]`".
    @Test(arguments: [
        "", #""""#, "null", "{}", #"{"statusCode":200}"#, #"{"batchItemFailures":null}"#,
        #"{"batchItemFailures":[]}"#,
        " \n", " null ", "\t{ \"batchItemFailures\" : [ ] }\r\n",
    ])
    func `nothing listed is complete success`(answer: String) {
        #expect(failures(answer) == .none)
    }

    /// "Complete failure: an item with `itemIdentifier` `""` or null; an item without that key (`{"foo":123}`,
    /// `{"foo":null}`); an identifier that is not in the batch (123); an unhandled exception." The exception is no
    /// answer.
    static let completeFailures: [(String, String)] = [
        (#"{"itemIdentifier":""}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":null}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"foo":123}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"foo":null}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":"123"}"#, "the itemIdentifier 123 is not in the batch"),
        (#"{"itemIdentifier":123}"#, "the itemIdentifier 123 is not in the batch"),
    ]

    @Test(arguments: completeFailures)
    func `an item that is no record of the batch is complete failure`(item: String, reason: String) {
        #expect(failures(#"{"batchItemFailures":[\#(item)]}"#) == .all(reason: reason))
        #expect(
            failures(#"{"batchItemFailures":[{"itemIdentifier":"12"},\#(item)]}"#) == .all(reason: reason)
        )
        #expect(
            failures(#"{"batchItemFailures":[\#(item),{"itemIdentifier":"12"}]}"#) == .all(reason: reason)
        )
    }

    static let others: [(String, String)] = [
        ("{}", "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":true}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":["12"]}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":{"offset":12}}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":"\ud83d"}"#, "an item of batchItemFailures has no itemIdentifier"),
        (#"{"itemIdentifier":"012"}"#, "the itemIdentifier 012 is not in the batch"),
        (#"{"itemIdentifier":" 12"}"#, "the itemIdentifier  12 is not in the batch"),
        (#"{"itemIdentifier":"12x"}"#, "the itemIdentifier 12x is not in the batch"),
        (#"{"itemIdentifier":12.0}"#, "the itemIdentifier 12.0 is not in the batch"),
        (#"{"itemIdentifier":"9"}"#, "the itemIdentifier 9 is not in the batch"),
        (#"{"itemIdentifier":"16"}"#, "the itemIdentifier 16 is not in the batch"),
        (#""12""#, "an item of batchItemFailures is no object"),
        ("12", "an item of batchItemFailures is no object"),
        ("null", "an item of batchItemFailures is no object"),
    ]

    @Test(arguments: others)
    func `an item of another form is complete failure too`(item: String, reason: String) {
        #expect(failures(#"{"batchItemFailures":[\#(item)]}"#) == .all(reason: reason))
    }

    /// "Otherwise the lowest sequence number listed is the new checkpoint".
    @Test(arguments: [
        (#"{"batchItemFailures":[{"itemIdentifier":"12"}]}"#, 12),
        (#"{"batchItemFailures":[{"itemIdentifier":"10"}]}"#, 10),
        // Out of order, and repeated.
        (
            #"{"batchItemFailures":[{"itemIdentifier":"15"},{"itemIdentifier":"11"},{"itemIdentifier":"13"}]}"#,
            11
        ),
        (#"{"batchItemFailures":[{"itemIdentifier":"14"},{"itemIdentifier":"14"}]}"#, 14),
        // Whitespace, order of keys, unknown keys.
        (
            " { \"a\" : [ { } ] ,\n \"batchItemFailures\" : [ { \"why\" : {} , \"itemIdentifier\" : \"12\" } ] , \"b\" : 1 } ",
            12
        ),
        // Escapes, and a number that is written as a record's.
        (#"{"batchItem\u0046ailures":[{"item\u0049dentifier":"\u0031\u0032"}]}"#, 12),
        (#"{"batchItemFailures":[{"itemIdentifier":12}]}"#, 12),
        // Of duplicate keys the last wins.
        (#"{"batchItemFailures":[{"itemIdentifier":"10","itemIdentifier":"12"}]}"#, 12),
        (
            #"{"batchItemFailures":[{"itemIdentifier":"99"}],"batchItemFailures":[{"itemIdentifier":"12"}]}"#,
            12
        ),
        (#"{"batchItemFailures":[{"itemIdentifier":"","itemIdentifier":"12"}]}"#, 12),
    ])
    func `the lowest record listed is where the batch goes on`(answer: String, number: UInt64) {
        #expect(failures(answer) == .from(SequenceNumber(integerLiteral: number)))
    }

    @Test func `the last of several lists may be empty`() {
        #expect(
            failures(#"{"batchItemFailures":[{"itemIdentifier":"10"}],"batchItemFailures":[]}"#) == .none
        )
    }

    @Test(arguments: [
        #""Successfully processed 3 records""#, "true", "0", "[]", #"[{"itemIdentifier":"12"}]"#,
        #"{"batchItemFailures":"12"}"#, #"{"batchItemFailures":{"itemIdentifier":"12"}}"#,
        #"{"batchItemFailures":""}"#,
        "done", #"{"batchItemFailures":[{"itemIdentifier":"12"}]"#,
        #"{"batchItemFailures":[{"itemIdentifier":"12"}]}}"#,
        #"{"batchItemFailures":[]} x"#, #"{'batchItemFailures':[]}"#, "\u{FEFF}{}", "\0", "{\0}",
    ])
    func `what is no answer of that form, or no JSON, is complete failure`(answer: String) {
        guard case .all = failures(answer) else { Issue.record("\(answer) is \(failures(answer))"); return }
    }

    @Test func `an answer cut at any byte is complete failure`() {
        let whole = Array(
            #"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":13}],"x":[1.5e3,null]}"#.utf8
        )
        for length in 1..<whole.count {
            guard case .all = BatchItemFailures(answer: Array(whole[..<length]), batch: batch) else {
                Issue.record("cut at \(length)")
                continue
            }
        }
        #expect(BatchItemFailures(answer: whole, batch: batch) == .from(12))
    }

    @Test func `only records of the selection count, not others of its batch`() {
        let list = RecordSelection(batch: batch.batch, indices: .list([0, 2, 4]))
        let range = RecordSelection(batch: batch.batch, indices: .range(2..<4))
        let answer = #"{"batchItemFailures":[{"itemIdentifier":"12"}]}"#
        let other = #"{"batchItemFailures":[{"itemIdentifier":"11"}]}"#

        for records in [list, range] {
            #expect(failures(answer, in: records) == .from(12))
            #expect(failures(other, in: records) == .all(reason: "the itemIdentifier 11 is not in the batch"))
        }
        #expect(
            failures(answer, in: RecordBatch.empty.all)
                == .all(reason: "the itemIdentifier 12 is not in the batch")
        )
    }

    @Test func `an answer may list ten thousand records and be megabytes long`() {
        let records = RecordBatch.numbered(1...10_000, payloadBytes: 0).all
        let items = (1...10_000).reversed().map { #"{"itemIdentifier":"\#($0)"}"# }.joined(separator: ",")
        let filler = String(repeating: #"x\n"#, count: 1 << 20)

        #expect(failures(#"{"note":"\#(filler)","batchItemFailures":[\#(items)]}"#, in: records) == .from(1))
    }

    @Test func `nesting without end is refused instead of followed`() {
        let deep = #"{"a":"# + String(repeating: "[", count: 1 << 20)

        #expect(failures(deep) == .all(reason: "the answer is not JSON: nested too deeply at byte 517"))
    }

    @Test func `numbers as long as Kinesis makes them are found`() throws {
        let text = "49590338271490256608559692538361571095921575989136588898"
        let number = try #require(SequenceNumber(text))
        let entry = RecordEntry(
            sequenceNumber: number,
            arrival: Timestamp(milliseconds: 0),
            offset: 0,
            keyBytes: 1,
            payloadBytes: 0
        )
        let records = RecordBatch(bytes: [0x6B], entries: [entry]).all

        #expect(
            failures(#"{"batchItemFailures":[{"itemIdentifier":"\#(text)"}]}"#, in: records) == .from(number)
        )
        #expect(
            failures(#"{"batchItemFailures":[{"itemIdentifier":\#(text)}]}"#, in: records) == .from(number)
        )
    }
}
