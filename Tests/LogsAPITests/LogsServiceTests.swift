import Foundation
import FunctionLogs
import LogsAPI
import StreamCore
import Synchronization
import TestSupport
import Testing

struct LogsServiceTests {
    /// Two processes of one function, whose lines alternate, a millisecond each.
    private func withService(
        lines: Int = 6,
        _ body: (LogsService) throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let time = Mutex<Int64>(1_700_000_000_000)
            let logs = FunctionLogs(directory: directory) {
                time.withLock { time in
                    time += 1
                    return Timestamp(milliseconds: time)
                }
            }
            let log = logs.log(of: "alerts")
            let streams = ["2026/11/25/[$LATEST]a", "2026/11/25/[$LATEST]b"].map(log.open)
            for number in 0..<lines { log.append(Array("line \(number)\n".utf8), to: streams[number % 2]) }
            try body(LogsService(logs: logs))
        }
    }

    private func call(_ service: LogsService, _ operation: String, _ input: [String: Any]) throws -> [String:
        Any]
    {
        let body = try JSONSerialization.data(withJSONObject: input)
        let answer = service.handle(operation, body: body)
        return try #require(JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
    }

    private func messages(_ answer: [String: Any]) -> [String] {
        (answer["events"] as? [[String: Any]] ?? []).compactMap { $0["message"] as? String }
    }

    private let group = "/aws/lambda/alerts"

    @Test func `a function that has printed has a group, and each of its processes a stream`() async throws {
        try await withService { service in
            let groups = try call(service, "DescribeLogGroups", [:])
            let streams = try call(
                service,
                "DescribeLogStreams",
                ["logGroupName": group, "orderBy": "LastEventTime", "descending": true, "limit": 1]
            )

            let group = (groups["logGroups"] as? [[String: Any]])?.first
            #expect(group?["logGroupName"] as? String == "/aws/lambda/alerts")
            #expect(
                group?["arn"] as? String
                    == "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/alerts:*"
            )
            let stream = (streams["logStreams"] as? [[String: Any]])?.first
            #expect(stream?["logStreamName"] as? String == "2026/11/25/[$LATEST]b")
            #expect(streams["nextToken"] != nil)
        }
    }

    @Test func `reading forward ends with the token that it began with`() async throws {
        try await withService { service in
            var request: [String: Any] = [
                "logGroupName": group, "logStreamName": "2026/11/25/[$LATEST]a", "startFromHead": true,
                "limit": 2,
            ]
            var read: [[String]] = []
            var last: String?
            while true {
                let answer = try call(service, "GetLogEvents", request)
                let token = try #require(answer["nextForwardToken"] as? String)
                read.append(messages(answer))
                if token == last { break }
                last = token
                request["nextToken"] = token
            }

            #expect(read == [["line 0\n", "line 2\n"], ["line 4\n"], []])
        }
    }

    @Test func `without a token the newest events come, and backward those before them`() async throws {
        try await withService { service in
            var request: [String: Any] = [
                "logGroupName": group, "logStreamName": "2026/11/25/[$LATEST]b", "limit": 2,
            ]
            let newest = try call(service, "GetLogEvents", request)
            request["nextToken"] = newest["nextBackwardToken"]
            let before = try call(service, "GetLogEvents", request)
            request["nextToken"] = before["nextBackwardToken"]
            let nothing = try call(service, "GetLogEvents", request)

            #expect(messages(newest) == ["line 3\n", "line 5\n"])
            #expect(messages(before) == ["line 1\n"])
            #expect(messages(nothing) == [])
            #expect(nothing["nextBackwardToken"] as? String == request["nextToken"] as? String)
        }
    }

    @Test func `filtering goes through all streams page by page, in order of time`() async throws {
        try await withService(lines: 25) { service in
            var request: [String: Any] = [
                "logGroupName": group, "filterPattern": "line -missing", "limit": 10,
            ]
            var found: [String] = []
            var ids: Set<String> = []
            repeat {
                let answer = try call(service, "FilterLogEvents", request)
                found += messages(answer)
                for event in answer["events"] as? [[String: Any]] ?? [] {
                    ids.insert(event["eventId"] as? String ?? "")
                }
                request["nextToken"] = answer["nextToken"]
            } while request["nextToken"] != nil

            #expect(found == (0..<25).map { "line \($0)\n" })
            #expect(ids.count == 25)
        }
    }

    @Test func `the end of a time range is not in it`() async throws {
        try await withService { service in
            let all = try call(service, "FilterLogEvents", ["logGroupName": group])
            let times = (all["events"] as? [[String: Any]] ?? []).compactMap { $0["timestamp"] as? Int64 }
            let range = try call(
                service,
                "FilterLogEvents",
                ["logGroupName": group, "startTime": times[1], "endTime": times[3]]
            )

            #expect(messages(range) == ["line 1\n", "line 2\n"])
        }
    }

    @Test func `requests that cannot be carried out say why`() async throws {
        try await withService { service in
            let cases: [(String, [String: Any], String, String)] = [
                (
                    "FilterLogEvents", ["logGroupName": "/aws/lambda/other"], "ResourceNotFoundException",
                    "The specified log group does not exist."
                ),
                (
                    "GetLogEvents", ["logGroupName": group, "logStreamName": "c"],
                    "ResourceNotFoundException",
                    "The specified log stream does not exist."
                ),
                (
                    "FilterLogEvents", ["logGroupName": group, "limit": 0], "InvalidParameterException",
                    "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
                        + "Member must have value greater than or equal to 1"
                ),
                (
                    "FilterLogEvents", ["logGroupName": group, "filterPattern": "{ $.a = 1 }"],
                    "InvalidParameterException",
                    "JSON patterns are not supported: use words and quoted phrases"
                ),
                (
                    "FilterLogEvents", ["logGroupName": group, "nextToken": "x"], "InvalidParameterException",
                    "The specified nextToken is invalid."
                ),
            ]
            for (operation, request, type, message) in cases {
                let answer = try call(service, operation, request)

                #expect(answer["__type"] as? String == type)
                #expect(answer["message"] as? String == message)
            }
        }
    }
}
