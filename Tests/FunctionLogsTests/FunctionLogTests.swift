import Foundation
import FunctionLogs
import StreamCore
import Synchronization
import TestSupport
import Testing

struct FunctionLogTests {
    private func line(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

    private func files(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(directory)/alerts")
            .filter { $0.hasSuffix(".log") }.sorted()
    }

    @Test func `what was written is read in order, also what still waits in memory`() async throws {
        try await withTemporaryDirectory { directory in
            let log = FunctionLogs(directory: directory).log(of: "alerts")
            let streams = ["a", "b"].map(log.open)

            log.append(line("one") + line("two"), to: streams[0])
            log.append(line("three"), to: streams[1])

            let events = log.events(LogQuery()).events
            #expect(events.map(\.message) == ["one", "two", "three"])
            #expect(events.map(\.stream) == ["a", "a", "b"])
            #expect(events.map(\.timestamp) == events.map(\.timestamp).sorted())
        }
    }

    @Test func `a log goes on where the host before left it, and drops a line that a kill tore`() async throws
    {
        try await withTemporaryDirectory { directory in
            let first = FunctionLogs(directory: directory).log(of: "alerts")
            first.append(line("before"), to: first.open("a"))
            first.flush()
            let file = "\(directory)/alerts/\(try #require(try files(directory).first))"
            let handle = try #require(FileHandle(forWritingAtPath: file))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("1 17000".utf8))
            try handle.close()

            let second = FunctionLogs(directory: directory).log(of: "alerts")
            second.append(line("after"), to: second.open("b"))

            let events = second.events(LogQuery()).events
            #expect(events.map(\.message) == ["before", "after"])
            #expect(events.map(\.stream) == ["a", "b"])
            #expect(try files(directory).count == 1)
        }
    }

    @Test func `a log keeps within its limit and loses the oldest first`() async throws {
        try await withTemporaryDirectory { directory in
            let limits = FunctionLogs.Limits(bytes: 256 << 10)
            let log = FunctionLogs(directory: directory, limits: limits).log(of: "alerts")
            let stream = log.open("a")
            for number in 0..<20_000 {
                log.append(line("number \(number) \(String(repeating: "x", count: 60))"), to: stream)
            }

            var query = LogQuery()
            query.limit = 1
            let newest = log.events(query, before: log.end).events
            let oldest = log.events(query).events

            #expect(log.storedBytes <= limits.bytes)
            #expect(log.storedBytes > limits.bytes / 2)
            #expect(newest.first?.message.hasPrefix("number 19999 ") == true)
            #expect(oldest.first?.message.hasPrefix("number 0 ") == false)
        }
    }

    @Test func `reading page by page, in both directions and over all files, finds every event once`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let limits = FunctionLogs.Limits(bytes: 1 << 20)
            let log = FunctionLogs(directory: directory, limits: limits).log(of: "alerts")
            let stream = log.open("a")
            for number in 0..<5000 {
                log.append(line("number \(number) \(String(repeating: "x", count: 60))"), to: stream)
            }
            var query = LogQuery()
            query.limit = 777

            var forward: [LogEvent] = []
            var isLast = false
            while !isLast {
                let page = log.events(query, from: forward.last?.end ?? .start)
                forward += page.events
                isLast = page.isLast
            }
            var backward: [LogEvent] = []
            isLast = false
            while !isLast {
                let page = log.events(query, before: backward.first?.position ?? log.end)
                backward = page.events + backward
                isLast = page.isLast
            }

            let files = try files(directory)
            #expect(files.count > 2)
            #expect(forward.count == 5000)
            #expect(forward == backward)
        }
    }

    /// A clock that tests set.
    private final class SetClock: Sendable {
        let now = Mutex(Timestamp(milliseconds: 1_000_000))
        var read: @Sendable () -> Timestamp { { [self] in now.withLock { $0 } } }
        func set(_ milliseconds: Int64) { now.withLock { $0 = Timestamp(milliseconds: milliseconds) } }
    }

    @Test func `a full disk loses the lines that it has no room for, and nothing after them`() async throws {
        try await withTemporaryDirectory { directory in
            let log = FunctionLogs(directory: directory, now: SetClock().read).log(of: "alerts")
            let stream = log.open("a")
            // The folder is known from here on, so that the log makes its first file where this lies.
            #expect(log.events(LogQuery()).events.isEmpty)
            let first = "\(directory)/alerts/000000001000000.log"
            try FileManager.default.createSymbolicLink(atPath: first, withDestinationPath: "/dev/full")

            log.append(line("lost"), to: stream)
            log.flush()
            log.append(line("kept"), to: stream)
            log.flush()

            #expect(log.events(LogQuery()).events.map(\.message) == ["kept"])
            #expect(log.events(LogQuery()).events.map(\.stream) == ["a"])
            try FileManager.default.removeItem(atPath: first)
            let next = FunctionLogs(directory: directory).log(of: "alerts")
            #expect(next.events(LogQuery()).events.map(\.message) == ["kept"])
        }
    }

    @Test func `events are in order of time though the clock goes back, also in the next run`() async throws {
        try await withTemporaryDirectory { directory in
            let clock = SetClock()
            let first = FunctionLogs(directory: directory, now: clock.read).log(of: "alerts")
            first.append(line("one"), to: first.open("a"))
            clock.set(400_000)
            first.append(line("two"), to: first.open("a"))
            first.flush()
            clock.set(300_000)
            let second = FunctionLogs(directory: directory, now: clock.read).log(of: "alerts")
            second.append(line("three"), to: second.open("b"))

            let events = second.events(LogQuery()).events
            #expect(events.map(\.message) == ["one", "two", "three"])
            #expect(events.map(\.timestamp.milliseconds) == [1_000_000, 1_000_000, 1_000_000])
            let behindFirst = second.events(LogQuery(), from: events[0].end).events
            #expect(behindFirst.map(\.message) == ["two", "three"])
        }
    }

    @Test func `a reader whose place has been removed goes on with the oldest that is kept`() async throws {
        try await withTemporaryDirectory { directory in
            let limits = FunctionLogs.Limits(bytes: 256 << 10)
            let log = FunctionLogs(directory: directory, limits: limits).log(of: "alerts")
            let stream = log.open("a")
            log.append(line("the first"), to: stream)
            let old = try #require(log.events(LogQuery()).events.first?.end)
            for number in 0..<10_000 {
                log.append(line("number \(number) \(String(repeating: "x", count: 60))"), to: stream)
            }

            var query = LogQuery()
            query.limit = 1
            let next = log.events(query, from: old).events
            #expect(next == log.events(query).events)
            #expect(next.first?.message.hasPrefix("number ") == true)
            let before = log.events(query, before: old)
            #expect(before.events.isEmpty && before.isLast)
        }
    }

    @Test func `pages of the longest events keep within their limit and find every event that is kept`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let log = FunctionLogs(directory: directory, limits: .init(bytes: 16 << 20)).log(of: "alerts")
            let stream = log.open("a")
            let longest = line(String(repeating: "x", count: 64 << 10))
            for _ in 0..<10_000 { log.append(longest, to: stream) }

            var kept = 0
            var position = LogPosition.start
            var isLast = false
            while !isLast {
                let page = log.events(LogQuery(), from: position)
                kept += page.events.count
                #expect(page.events.reduce(0) { $0 + $1.message.utf8.count } <= LogPage.maximumBytes)
                position = page.events.last?.end ?? position
                isLast = page.isLast
            }

            #expect(log.storedBytes <= 16 << 20)
            #expect(kept > 200)
        }
    }

    @Test func `the end of a host writes down the lines of every function`() async throws {
        try await withTemporaryDirectory { directory in
            let logs = FunctionLogs(directory: directory)
            for name in ["alerts", "counts"] as [FunctionName] {
                let log = logs.log(of: name)
                log.append(line("last words of \(name)"), to: log.open("a"))
            }

            logs.flush()
            // And again, with nothing left to write.
            logs.flush()

            for name in ["alerts", "counts"] {
                let files = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(name)")
                let file = "\(directory)/\(name)/\(try #require(files.first { $0.hasSuffix(".log") }))"
                #expect(
                    try String(contentsOfFile: file, encoding: .utf8).hasSuffix("last words of \(name)\n")
                )
            }
        }
    }
}
