import Delivery
import StreamCore
import TestSupport
import Testing

struct WindowAnswerTests {
    private let batch = RecordBatch.numbered(10...15).all

    private func read(_ answer: String, reportsFailures: Bool = true) throws -> WindowAnswer {
        try WindowAnswer(answer: Array(answer.utf8), batch: batch, reportsFailures: reportsFailures)
    }

    @Test(arguments: [
        (#"{"state":{},"batchItemFailures":[]}"#, "{}"),
        (
            " { \"x\" : 1 , \"state\" :\t{ \"sum\" : 1.50 , \"keys\" : [ \"\\u0061\" ] } \n} ",
            #"{ "sum" : 1.50 , "keys" : [ "\u0061" ] }"#
        ),
        (#"{"state":{"a":1},"state":{"a":2}}"#, #"{"a":2}"#), (#"{"state":null,"state":[1]}"#, "[1]"),
        (#"{"st\u0061te":"text"}"#, #""text""#), (#"{"state":-0}"#, "-0"), (#"{"state":false}"#, "false"),
    ])
    func `the state is kept as the function wrote it`(answer: String, state: String) throws {
        let window = try read(answer)

        #expect(String(decoding: window.state, as: UTF8.self) == state)
        #expect(window.failures == .none)
    }

    /// "Response must have `state`, else the invocation FAILED".
    @Test(arguments: [
        "", "null", #""""#, "{}", #"{"batchItemFailures":[]}"#, #"{"state":null}"#,
        #"{"state":{},"state":null}"#,
        #"{"State":{}}"#, #"{"x":{"state":{}}}"#, #"[{"state":{}}]"#, #""state""#,
    ])
    func `without a state the invocation has failed`(answer: String) {
        let error = #expect(throws: InvalidWindowAnswer.self) { try read(answer) }

        #expect(error?.reason == "the answer has no state, which a tumbling window needs")
    }

    @Test(arguments: [#"{"state":{}"#, #"{"state":{}}}"#, #"{"state":{a:1}}"#, "state", #"{"state":}"#])
    func `text that is not JSON has no state`(answer: String) {
        let error = #expect(throws: InvalidWindowAnswer.self) { try read(answer) }

        #expect(error?.reason.hasPrefix("the answer is not JSON: ") == true)
    }

    @Test func `failures count only where they are reported`() throws {
        let answer = #"{"batchItemFailures":[{"itemIdentifier":"13"}],"state":{"n":1}}"#
        let broken = #"{"state":{},"batchItemFailures":[{"itemIdentifier":"99"}]}"#

        #expect(try read(answer).failures == .from(13))
        #expect(try read(answer, reportsFailures: false).failures == .none)
        #expect(try read(broken).failures == .all(reason: "the itemIdentifier 99 is not in the batch"))
        #expect(try read(broken, reportsFailures: false).failures == .none)
    }
}
