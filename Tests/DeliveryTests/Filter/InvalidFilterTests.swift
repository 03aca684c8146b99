import Delivery
import Testing

struct InvalidFilterTests {
    private func problems(_ patterns: [String]) -> [String] {
        let error = #expect(throws: InvalidFilter.self) { try RecordFilter(patterns: patterns) }
        #expect(error?.description.hasPrefix("Invalid filter pattern definition. ") == true)
        return error?.problems.map(\.description) ?? []
    }

    static let refusals: [(String, String)] = [
        ("", "pattern 1: it is not JSON: expected a value at byte 0"),
        ("plain", "pattern 1: it is not JSON: expected a value at byte 0"),
        (#"{"data":{"a":["b"]}"#, "pattern 1: it is not JSON: expected } at byte 19"),
        (#"["a"]"#, #"pattern 1: it is no JSON object, such as {"data": {"kind": ["order"]}}"#),
        ("{}", "pattern 1: an empty object matches nothing; name a field"),
        (#"{"data":{}}"#, "pattern 1, data: an empty object matches nothing; name a field"),
        (#"{"data":{"a":{}}}"#, "pattern 1, data.a: an empty object matches nothing; name a field"),
        (#"{"data":{"a":[]}}"#, "pattern 1, data.a: an empty list matches nothing; name a value"),
        (#"{"data":{"a":"b"}}"#, #"pattern 1, data.a: a value stands in a list, such as ["a"]"#),
        (
            #"{"data":["plain string"]}"#,
            #"pattern 1, data: it takes an object with fields of the payload, such as {"kind": ["order"]}"#
        ),
        (#"{"data":"plain string"}"#, #"pattern 1, data: a value stands in a list, such as ["a"]"#),
        (
            #"{"kind":["order"]}"#,
            #"pattern 1, kind: a record has no such field; fields of the payload go into "data", others are "#
                + "partitionKey, sequenceNumber, approximateArrivalTimestamp, kinesisSchemaVersion"
        ),
        (
            #"{"partitionKey":{"a":["b"]}}"#,
            #"pattern 1, partitionKey: it takes a list of values, such as ["a", {"prefix": "b"}]"#
        ),
        (
            #"{"data":{"a":[{"wildcard":"*"}]}}"#,
            #"pattern 1, data.a: "wildcard" is no operator; use one of "anything-but", "equals-ignore-case", "exists", "numeric", "prefix", "suffix""#
        ),
        (#"{"data":{"a":[{"exists":"yes"}]}}"#, #"pattern 1, data.a: "exists" takes true or false"#),
        (#"{"data":{"a":[{"prefix":1}]}}"#, #"pattern 1, data.a: "prefix" takes a string"#),
        (
            #"{"data":{"a":[{"prefix":{"equals-ignore-case":"x"}}]}}"#,
            #"pattern 1, data.a: "prefix" takes a string"#
        ),
        (#"{"data":{"a":[{"suffix":null}]}}"#, #"pattern 1, data.a: "suffix" takes a string"#),
        (
            #"{"data":{"a":[{"equals-ignore-case":["x"]}]}}"#,
            #"pattern 1, data.a: "equals-ignore-case" takes a string"#
        ),
        (
            #"{"data":{"a":[["b"]]}}"#,
            "pattern 1, data.a: a list in a list matches nothing; give values, or operators as objects"
        ),
        (
            #"{"data":{"$or":[{"a":[1]}]}}"#, "pattern 1, data.$or: it takes a list of at least two objects"
        ),
        (#"{"$or":{"data":{"a":[1]}}}"#, "pattern 1, $or: it takes a list of at least two objects"),
        (
            #"{"data":{"$or":[{"a":[1]},5]}}"#,
            "pattern 1, data.$or: it takes objects, each with the fields of one alternative"
        ),
        (#"{"data":{"a":["\ud800"]}}"#, "pattern 1: it is not JSON: half a character in a string at byte 22"),
    ]

    @Test(arguments: refusals)
    func `what is wrong is named, with its place and what is allowed`(pattern: String, problem: String) {
        #expect(problems([pattern]) == [problem])
    }

    @Test(arguments: [
        #"[]"#, #"["="]"#, #"["=","1"]"#, #"[1]"#, #"["=",1,"<",2]"#, #"["<",1,">",0]"#, #"[">",1,">",2]"#,
        #"["!=",1]"#, #"[">",1,"<"]"#, #"[">",1,"<",2,"<",3]"#, #"">1""#, #"{"=":1}"#,
    ])
    func `numeric takes one comparison, or a lower and an upper bound`(operand: String) {
        let found = problems([#"{"data":{"a":[{"numeric":\#(operand)}]}}"#])

        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(#"pattern 1, data.a: "numeric" takes ["=", n], "#) == true)
    }

    @Test(arguments: [#"[">",2,"<",1]"#, #"[">",1,"<=",1]"#])
    func `bounds with no number between them are refused`(operand: String) {
        #expect(
            problems([#"{"data":{"a":[{"numeric":\#(operand)}]}}"#])
                == [#"pattern 1, data.a: no number lies between the bounds of "numeric""#]
        )
    }

    @Test(arguments: [#"[]"#, #"["a",1]"#, #"null"#, #"[null]"#, #"true"#, #"{"prefix":"a"}"#, #"[["a"]]"#])
    func `anything-but takes strings or numbers`(operand: String) {
        #expect(
            problems([#"{"data":{"a":[{"anything-but":\#(operand)}]}}"#])
                == [
                    #"pattern 1, data.a: "anything-but" takes strings or numbers, one or a list, not both kinds"#
                ]
        )
    }

    @Test func `every problem of every pattern is told, ten of them at most`() {
        #expect(
            problems([
                #"{"kind":["a"],"data":{"a":[],"b":[{"exists":1},{"prefix":2}]}}"#,
                #"{"partitionKey":["k"]}"#, "x",
            ]).map { String($0.prefix(20)) } == [
                "pattern 1, kind: a r", "pattern 1, data.a: a", "pattern 1, data.b: \"",
                "pattern 1, data.b: \"",
                "pattern 3: it is not",
            ]
        )
        let fields = (0..<20).map { #""f\#($0)":[]"# }.joined(separator: ",")
        #expect(problems([#"{"data":{\#(fields)}}"#]).count == 10)
    }

    @Test func `a pattern has at most 4,096 characters, however many bytes they take`() throws {
        func pattern(_ characters: Int) -> String {
            #"{"partitionKey":["\#(String(repeating: "é", count: characters - 21))"]}"#
        }
        _ = try RecordFilter(patterns: [pattern(4_096)])

        #expect(problems([pattern(4_097)]) == ["pattern 1: it has 4097 characters, the limit is 4096"])
    }

    @Test func `there are at most ten patterns`() throws {
        let pattern = #"{"partitionKey":["k"]}"#
        _ = try RecordFilter(patterns: Array(repeating: pattern, count: 10))

        #expect(
            problems(Array(repeating: pattern, count: 11)) == ["there are 11 patterns, the limit is 10"]
        )
    }

    @Test func `alternatives multiply to a thousand at most`() throws {
        func pattern(_ factors: Int) -> String {
            let lists = (0..<factors).map { index in
                #""f\#(index)":{"$or":[\#((0..<10).map { #"{"x":[\#($0)]}"# }.joined(separator: ","))]}"#
            }
            return #"{"data":{\#(lists.joined(separator: ","))}}"#
        }
        _ = try RecordFilter(patterns: [pattern(3)])

        #expect(problems([pattern(4)]) == ["pattern 1, data: its alternatives multiply to more than 1000"])
        #expect(
            problems([pattern(3), pattern(1)]) == ["the patterns have 1010 alternatives, the limit is 1000"]
        )
    }

    @Test func `long names are cut short in messages`() {
        let name = String(repeating: "n", count: 1_000)

        let found = problems([#"{"data":{"\#(name)":[{"\#(name)":1}]}}"#])

        #expect(found.count == 1)
        #expect(found.allSatisfy { $0.count < 350 })
    }
}
