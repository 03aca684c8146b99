import Foundation
import Testing

@testable import millrace

@Suite struct PartitionKeyTests {
    @Test(arguments: ["a", "é", "👩‍👩‍👧‍👦", "e\u{301}"])
    func `a line's key is its first 256 Unicode scalars, whatever a reader takes for one character`(
        character: String
    ) throws {
        let text = String(repeating: character, count: 300)

        let key = try PartitionKey.line.key(of: line(text), in: "file")

        #expect(key.unicodeScalars.count == 256)
        #expect(text.unicodeScalars.starts(with: key.unicodeScalars))
    }

    @Test(arguments: [
        (#"{"id":"a"}"#, "a"), (#"{"id":7}"#, "7"), (#"{"id":null}"#, "null"),
    ])
    func `a field's key is its value as text`(text: String, expected: String) throws {
        #expect(try PartitionKey.field("id").key(of: line(text), in: "file") == expected)
    }

    @Test(arguments: [
        ("[]", "line 3 of file is not a JSON object"), (#"{"a":1}"#, "line 3 of file has no field id"),
        (#"{"id":""}"#, "line 3 of file has an empty id"),
    ])
    func `a line without a key is named`(text: String, message: String) {
        let failure = #expect(throws: CommandFailure.self) {
            try PartitionKey.field("id").key(of: line(text), in: "file")
        }

        #expect(failure?.messages == [message])
    }

    private func line(_ text: String) -> LineSplitter.Line {
        LineSplitter.Line(number: 3, data: Data(text.utf8))
    }
}
