import Testing

@testable import FunctionLogs

struct LogFilterTests {
    private func matches(_ pattern: String, _ line: String) throws -> Bool {
        let filter = try LogFilter(pattern)
        return Array(line.utf8).withUnsafeBytes { filter.matches($0) }
    }

    @Test(arguments: [
        ("", "anything", true),
        ("ERROR", "an ERROR here", true),
        ("ERROR", "an error here", false),
        ("ERROR gate", "gate ERROR", true),
        ("ERROR gate", "ERROR", false),
        (#""no gate""#, "there is no gate B7", true),
        (#""no gate""#, "there is no such gate", false),
        (#""a \"b\"""#, #"say a "b""#, true),
        ("?ERROR ?WARN", "WARN: late", true),
        ("?ERROR ?WARN", "INFO: in time", false),
        ("ERROR -timeout", "ERROR: no gate", true),
        ("ERROR -timeout", "ERROR: timeout", false),
        (#"-"START RequestId""#, "START RequestId: 1", false),
    ])
    func `a pattern matches the lines that CloudWatch says it does`(
        pattern: String,
        line: String,
        isMatch: Bool
    )
        throws
    {
        #expect(try matches(pattern, line) == isMatch)
    }

    @Test(arguments: ["{ $.level = 5 }", "[ip, user]", "%re%", #""open"#, "a:b", #""""#])
    func `a pattern that is not about words is refused`(pattern: String) {
        #expect(throws: LogFilter.Invalid.self) { try LogFilter(pattern) }
    }
}
