import Delivery
import StreamCore
import TestSupport
import Testing

/// The rows of Lambda's table of comparison operators, on the fields of a payload.
struct FilterOperatorTests {
    private func matches(_ pattern: String, _ payload: String) throws -> Bool {
        let filter = try RecordFilter(patterns: [#"{"data":\#(pattern)}"#])
        return filter.select(RecordBatch.payloads([payload]).all).count == 1
    }

    private func expectMatches(_ pattern: String, of payloads: [(String, Bool)]) throws {
        for (payload, isMatch) in payloads {
            let found = try matches(pattern, payload)
            #expect(found == isMatch, "\(pattern) on \(payload)")
        }
    }

    @Test func `null: UserID is null`() throws {
        try expectMatches(
            #"{"UserID":[null]}"#,
            of: [
                (#"{"UserID":null}"#, true), (#"{"UserID":"null"}"#, false), (#"{"UserID":0}"#, false),
                (#"{}"#, false),
            ]
        )
    }

    @Test func `empty: LastName is empty`() throws {
        try expectMatches(
            #"{"LastName":[""]}"#,
            of: [
                (#"{"LastName":""}"#, true), (#"{"LastName":" "}"#, false), (#"{"LastName":null}"#, false),
                (#"{"LastName":[]}"#, false),
            ]
        )
    }

    @Test func `equals: strings match character by character, without folding`() throws {
        try expectMatches(
            #"{"Name":["Alice"]}"#,
            of: [
                (#"{"Name":"Alice"}"#, true), (#"{"Name":"alice"}"#, false), (#"{"Name":"Alice "}"#, false),
                (#"{"Name":"Alic"}"#, false), (#"{"name":"Alice"}"#, false), (#"{"Other":"Alice"}"#, false),
                (#" { "Other" : [ 1, {"Name":"Bob"} ] , "Name" : "Alice" } "#, true),
            ]
        )
    }

    @Test func `equals: numbers match by their text`() throws {
        try expectMatches(
            #"{"n":[300]}"#,
            of: [
                (#"{"n":300}"#, true), (#"{"n":300.0}"#, false), (#"{"n":3.0e2}"#, false),
                (#"{"n":"300"}"#, false), (#"{"n":30}"#, false), (#"{"n":3000}"#, false),
            ]
        )
        try expectMatches(#"{"n":[3.0e2]}"#, of: [(#"{"n":3.0e2}"#, true), (#"{"n":300}"#, false)])
    }

    @Test func `equals: true and false are values`() throws {
        try expectMatches(
            #"{"b":[true]}"#,
            of: [(#"{"b":true}"#, true), (#"{"b":false}"#, false), (#"{"b":"true"}"#, false)]
        )
        try expectMatches(#"{"b":[false]}"#, of: [(#"{"b":false}"#, true), (#"{"b":true}"#, false)])
    }

    @Test func `equals-ignore-case: case is folded, in any script`() throws {
        try expectMatches(
            #"{"Name":[{"equals-ignore-case":"aLICE-1"}]}"#,
            of: [
                (#"{"Name":"Alice-1"}"#, true), (#"{"Name":"ALICE-1"}"#, true),
                (#"{"Name":"Alice-2"}"#, false),
                (#"{"Name":"Alice-"}"#, false), (#"{"Name":1}"#, false),
                // Control character and punctuation that differ from letters and digits in the bit of case.
                (#"{"Name":"ALICE\u000d1"}"#, false),
            ]
        )
        try expectMatches(
            #"{"Name":[{"equals-ignore-case":"ÉMILE"}]}"#,
            of: [
                (#"{"Name":"émile"}"#, true), (#"{"Name":"\u00e9mile"}"#, true),
                (#"{"Name":"emile"}"#, false),
            ]
        )
    }

    @Test func `and: every field that is named has to match`() throws {
        try expectMatches(
            #"{"Location":["New York"],"Day":["Monday"]}"#,
            of: [
                (#"{"Day":"Monday","Location":"New York"}"#, true), (#"{"Location":"New York"}"#, false),
                (#"{"Location":"New York","Day":"Tuesday"}"#, false),
            ]
        )
    }

    @Test func `or: one of the values in a list has to match`() throws {
        try expectMatches(
            #"{"PaymentType":["Credit","Debit",7]}"#,
            of: [
                (#"{"PaymentType":"Credit"}"#, true), (#"{"PaymentType":"Debit"}"#, true),
                (#"{"PaymentType":7}"#, true), (#"{"PaymentType":"Cash"}"#, false),
            ]
        )
    }

    @Test func `or with $or: one of several fields has to match`() throws {
        try expectMatches(
            #"{"$or":[{"Location":["New York"]},{"Day":["Monday"],"Hour":[{"numeric":["<",12]}]}]}"#,
            of: [
                (#"{"Location":"New York","Day":"Friday"}"#, true), (#"{"Day":"Monday","Hour":9}"#, true),
                (#"{"Day":"Monday","Hour":13}"#, false), (#"{"Location":"Boston"}"#, false),
            ]
        )
        try expectMatches(
            #"{"a":{"$or":[{"x":[1]},{"$or":[{"y":[2]},{"y":[3]}]}]},"b":[1]}"#,
            of: [
                (#"{"a":{"x":1},"b":1}"#, true), (#"{"a":{"y":3},"b":1}"#, true),
                (#"{"a":{"y":4},"b":1}"#, false),
                (#"{"a":{"x":1}}"#, false),
            ]
        )
    }

    @Test func `anything-but: the value is there and is none of these`() throws {
        try expectMatches(
            #"{"Weather":[{"anything-but":["Raining","Snowing"]}]}"#,
            of: [
                (#"{"Weather":"Sunny"}"#, true), (#"{"Weather":"Raining"}"#, false),
                (#"{"Weather":"Snowing"}"#, false), (#"{"Weather":5}"#, true), (#"{"Weather":null}"#, true),
                (#"{}"#, false), (#"{"Weather":{}}"#, false), (#"{"Weather":["Raining","Sunny"]}"#, true),
                (#"{"Weather":["Raining"]}"#, false), (#"{"Weather":"\ud800"}"#, true),
            ]
        )
        try expectMatches(
            #"{"n":[{"anything-but":100}]}"#,
            of: [(#"{"n":100}"#, false), (#"{"n":99}"#, true)]
        )
        try expectMatches(
            #"{"n":[{"anything-but":[100,200]}]}"#,
            of: [(#"{"n":200}"#, false), (#"{"n":99}"#, true), (#"{"n":"100"}"#, true)]
        )
        try expectMatches(
            #"{"s":[{"anything-but":"x"}]}"#,
            of: [(#"{"s":"x"}"#, false), (#"{"s":"y"}"#, true)]
        )
    }

    @Test func `numeric: numbers compare by value, and only numbers`() throws {
        try expectMatches(
            #"{"Price":[{"numeric":["=",100]}]}"#,
            of: [
                (#"{"Price":100}"#, true), (#"{"Price":100.0}"#, true), (#"{"Price":1e2}"#, true),
                (#"{"Price":1000E-1}"#, true), (#"{"Price":"100"}"#, false), (#"{"Price":100.5}"#, false),
            ]
        )
        try expectMatches(
            #"{"Price":[{"numeric":[">",10,"<=",20]}]}"#,
            of: [
                (#"{"Price":10}"#, false), (#"{"Price":10.000001}"#, true), (#"{"Price":20}"#, true),
                (#"{"Price":20.000001}"#, false), (#"{"Price":-15}"#, false),
            ]
        )
        try expectMatches(
            #"{"Price":[{"numeric":[">=",-1.5,"<",2]}]}"#,
            of: [(#"{"Price":-1.5}"#, true), (#"{"Price":-1.6}"#, false), (#"{"Price":2}"#, false)]
        )
        for (comparison, below, equal, above) in [
            ("=", false, true, false), (">", false, false, true), (">=", false, true, true),
            ("<", true, false, false), ("<=", true, true, false),
        ] {
            try expectMatches(
                #"{"Price":[{"numeric":["\#(comparison)",100]}]}"#,
                of: [(#"{"Price":99}"#, below), (#"{"Price":100}"#, equal), (#"{"Price":101}"#, above)]
            )
        }
    }

    @Test func `numeric: long and large numbers keep their value`() throws {
        try expectMatches(
            #"{"n":[{"numeric":["=",0.1]}]}"#,
            of: [
                (#"{"n":0.1000000000000000000}"#, true), (#"{"n":1e-1}"#, true),
                (#"{"n":0.10000001}"#, false),
                (#"{"n":0.01e1}"#, true),
            ]
        )
        try expectMatches(
            #"{"n":[{"numeric":[">",1e300]}]}"#,
            of: [
                (#"{"n":1e301}"#, true), (#"{"n":123456789012345678901234567890}"#, false),
                (#"{"n":1e999}"#, true),
            ]
        )
    }

    @Test func `exists: only values that are no objects count`() throws {
        try expectMatches(
            #"{"ProductName":[{"exists":true}]}"#,
            of: [
                (#"{"ProductName":"a"}"#, true), (#"{"ProductName":null}"#, true),
                (#"{"ProductName":[1]}"#, true),
                (#"{}"#, false), (#"{"ProductName":{"x":1}}"#, false), (#"{"ProductName":[]}"#, false),
            ]
        )
        try expectMatches(
            #"{"ProductName":[{"exists":false}]}"#,
            of: [
                (#"{"ProductName":"a"}"#, false), (#"{"ProductName":null}"#, false), (#"{}"#, true),
                (#"{"ProductName":{"x":1}}"#, true), (#"[]"#, true), (#"5"#, true),
            ]
        )
        try expectMatches(
            #"{"a":{"b":[{"exists":false}],"c":[1]}}"#,
            of: [
                (#"{"a":{"c":1}}"#, true), (#"{"a":{"c":1,"b":2}}"#, false), (#"{"a":{}}"#, false),
                // As EventBridge has it: absent from the whole record, not from one element.
                (#"{"a":[{"c":1},{"b":2}]}"#, false),
            ]
        )
        try expectMatches(
            #"{"a":[null,{"exists":false}]}"#,
            of: [(#"{"a":null}"#, true), (#"{}"#, true), (#"{"a":1}"#, false)]
        )
    }

    @Test func `prefix and suffix: of strings`() throws {
        try expectMatches(
            #"{"Region":[{"prefix":"us-"}]}"#,
            of: [
                (#"{"Region":"us-east-1"}"#, true), (#"{"Region":"us-"}"#, true),
                (#"{"Region":"us"}"#, false),
                (#"{"Region":"eu-us-"}"#, false), (#"{"Region":1}"#, false),
            ]
        )
        try expectMatches(
            #"{"FileName":[{"suffix":".png"}]}"#,
            of: [
                (#"{"FileName":"a.png"}"#, true), (#"{"FileName":"a.png "}"#, false),
                (#"{"FileName":"png"}"#, false),
            ]
        )
        try expectMatches(#"{"n":[{"prefix":"1"}]}"#, of: [(#"{"n":12}"#, false), (#"{"n":"12"}"#, true)])
        try expectMatches(#"{"n":[{"prefix":""}]}"#, of: [(#"{"n":""}"#, true), (#"{"n":null}"#, false)])
    }

    // MARK: The shape of the data

    @Test func `nested objects: every level is matched by name`() throws {
        try expectMatches(
            #"{"Keys":{"Id":{"N":["101"]}}}"#,
            of: [
                (#"{"Keys":{"Id":{"N":"101"}}}"#, true), (#"{"Keys":{"N":"101"}}"#, false),
                (#"{"Id":{"N":"101"}}"#, false), (#"{"Keys":{"Id":{"N":"102"}},"Id":{"N":"101"}}"#, false),
                (#"{"Keys":{"Id":"101"}}"#, false),
            ]
        )
    }

    @Test func `arrays: a field matches when any element does, however deep`() throws {
        try expectMatches(
            #"{"tags":["b"]}"#,
            of: [
                (#"{"tags":["a","b"]}"#, true), (#"{"tags":[["a"],[1,["b"]]]}"#, true),
                (#"{"tags":["a"]}"#, false),
                (#"{"tags":[]}"#, false), (#"{"tags":[{"b":"b"}]}"#, false),
            ]
        )
        try expectMatches(#"{"a":[1]}"#, of: [(#"[{"a":2},{"a":1}]"#, true), (#"[{"a":2},[1]]"#, false)])
    }

    @Test func `arrays: fields are not taken from two elements`() throws {
        try expectMatches(
            #"{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}"#,
            of: [
                (
                    #"{"employees":[{"firstName":"Anna","lastName":"Smith"},{"firstName":"Peter","lastName":"Jones"}]}"#,
                    false
                ),
                (
                    #"{"employees":[{"firstName":"Peter","lastName":"Jones"},{"lastName":"Jones","firstName":"Anna"}]}"#,
                    true
                ),
                (#"{"employees":[[{"firstName":["Eve","Anna"],"lastName":"Jones"}],{}]}"#, true),
            ]
        )
        // Two lists are independent of each other, and each element of the outer one has its own inner one.
        try expectMatches(
            #"{"a":{"x":[1],"b":{"y":[2],"z":[3]}}}"#,
            of: [
                (#"{"a":[{"x":1,"b":[{"y":2},{"z":3}]},{"x":1,"b":[{"y":2,"z":3}]}]}"#, true),
                (#"{"a":[{"x":1,"b":[{"y":2},{"z":3}]},{"x":0,"b":[{"y":2,"z":3}]}]}"#, false),
            ]
        )
    }

    @Test func `of duplicate keys the last wins, at every level`() throws {
        try expectMatches(
            #"{"a":[1]}"#,
            of: [(#"{"a":1,"a":2}"#, false), (#"{"a":2,"a":1}"#, true), (#"{"a":1,"a":{}}"#, false)]
        )
        try expectMatches(
            #"{"a":{"x":[1],"y":[2]}}"#,
            of: [
                (#"{"a":{"x":1,"y":2},"a":{"x":1}}"#, false), (#"{"a":{"x":1},"a":{"y":2}}"#, false),
                (#"{"a":null,"a":{"x":1,"y":2}}"#, true),
            ]
        )
        try expectMatches(#"{"a":{"x":[{"exists":false}]}}"#, of: [(#"{"a":{"x":1},"a":{"y":1}}"#, true)])
        try expectMatches(#"{"a":[1],"a":[2]}"#, of: [(#"{"a":1}"#, false), (#"{"a":2}"#, true)])
    }

    @Test func `escapes are resolved on both sides, in names and in values`() throws {
        try expectMatches(
            #"{"n\u0061me":["\u00e9\n\"x\ud83d\udee9"]}"#,
            of: [
                ("{\"name\":\"é\\n\\\"x🛩\"}", true),
                (#"{"n\u0061m\u0065":"\u00E9\u000a\u0022x\uD83D\uDEE9"}"#, true),
                (#"{"name":"e\n\"x"}"#, false), (#"{"n\\u0061me":"x"}"#, false),
            ]
        )
        try expectMatches(#"{"u":["a/b"]}"#, of: [(#"{"u":"a\/b"}"#, true), (#"{"u":"a\\/b"}"#, false)])
        // One letter, written in two ways, is two texts.
        try expectMatches("{\"s\":[\"\u{e9}\"]}", of: [("{\"s\":\"e\u{301}\"}", false)])
    }

    @Test func `names that only share a length or a start are other names`() throws {
        let long = String(repeating: "n", count: 65)
        try expectMatches(
            #"{"a":[1],"\#(long)":[1],"":[1]}"#,
            of: [
                (#"{"a":1,"\#(long)":1,"":1}"#, true), (#"{"b":1,"\#(long)":1,"":1}"#, false),
                (#"{"a":1,"n":1,"":1}"#, false), (#"{"a":1,"\#(long.dropLast())m":1,"":1}"#, false),
            ]
        )
    }
}
