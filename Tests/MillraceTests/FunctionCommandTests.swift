import ArgumentParser
import Foundation
import ManagementAPI
import TestSupport
import Testing

@testable import millrace

@Suite struct FunctionCommandTests {
    @Test(arguments: [
        ("{}", FunctionInvoke.Payload.text("{}")), ("@event.json", .file("event.json")),
        ("-", .standardInput),
    ])
    func `an event is text, a file or stdin`(argument: String, payload: FunctionInvoke.Payload) {
        #expect(FunctionInvoke.Payload(argument: argument) == payload)
    }

    @Test func `an event that no function may be given is refused before it is sent`() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory + "/event.json"
            try Data(count: 6 * 1024 * 1024 + 1).write(to: URL(fileURLWithPath: file))

            #expect(throws: CommandFailure.self) { try FunctionInvoke.Payload.file(file).read() }
        }
    }

    @Test(arguments: [
        (#"{"errorMessage":"boom","errorType":"KeyError","stackTrace":["a"]}"#, "KeyError: boom"),
        (#"{"errorMessage":"boom"}"#, "boom"), ("not JSON", "not JSON"), ("{}", "{}"),
    ])
    func `a function's error is told by type and message`(body: String, message: String) {
        #expect(FunctionErrorText([UInt8](body.utf8)).message == message)
    }

    @Test(arguments: [("30s", 30), ("10m", 600), ("2h", 7_200), ("1d", 86_400), ("0s", 0)])
    func `a time to look back has a unit`(text: String, seconds: Int) {
        #expect(TimeSpan(argument: text)?.seconds == seconds)
    }

    @Test(arguments: ["", "m", "10", "-1m", "1w", "1.5h"])
    func `any other time to look back is refused`(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }

    @Test func `a log that is polled shows every event once, also one that comes late`() {
        var follower = LogFollower(since: 0)
        let first = LogEvent(id: "1", stream: "a", timestamp: 10_000, message: "first")
        let second = LogEvent(id: "2", stream: "a", timestamp: 20_000, message: "second")
        let late = LogEvent(id: "3", stream: "b", timestamp: 19_000, message: "late")

        #expect(follower.unseen(of: [first, second]) == [first, second])
        #expect(follower.startTime == 15_000)
        #expect(follower.unseen(of: [late, second]) == [late])
        #expect(follower.unseen(of: [late, second]).isEmpty)
        #expect(follower.startTime == 15_000)
    }

    @Test func `an event of a log is a line with its time, or JSON`() throws {
        let event = LogEvent(id: "1", stream: "a", timestamp: 1_700_000_000_500, message: "START\n")

        #expect(event.line == "2023-11-14T22:13:20.500Z START")
        #expect(
            try event.jsonLine()
                == #"{"eventId":"1","logStreamName":"a","message":"START\n","timestamp":1700000000500}"#
        )
    }

    @Test func `folders or a template are registered`() throws {
        #expect(try FunctionRegister.parse(["a", "b"]).directories == ["a", "b"])
        let line = [
            "--sam", "/t/template.yaml", "--parameter", "A=1=2", "--parameter", "B=", "--skip-unsupported",
        ]
        let command = try FunctionRegister.parse(line)

        #expect(
            command.template.request(for: "/t/template.yaml")
                == TemplateRequest(
                    template: "/t/template.yaml",
                    parameters: ["A": "1=2", "B": ""],
                    stackName: "sam-app",
                    skipsUnsupported: true
                )
        )
    }

    @Test(arguments: [
        [], ["a", "--sam", "t"], ["a", "--parameter", "A=1"], ["--sam", "t", "--parameter", "A"],
        ["a", "--skip-unsupported"],
    ])
    func `folders and a template do not go together`(words: [String]) {
        #expect(throws: (any Error).self) { try FunctionRegister.parse(words) }
    }

    @Test(arguments: [["f", "--async", "--tail-log"], [], ["f", "--payload"]])
    func `an invocation that cannot be is refused`(words: [String]) {
        #expect(throws: (any Error).self) { try FunctionInvoke.parse(words) }
    }
}
