import Foundation
import FunctionLogs
import StreamCore
import TestSupport
import Testing

/// One log that several hosts write to; each `FunctionLogs` stands for a process.
struct SharedLogTests {
    private func line(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

    @Test func `what two hosts write is read by both, each line under its own stream`() async throws {
        try await withTemporaryDirectory { directory in
            let hosts = (0..<2).map { _ in FunctionLogs(directory: directory).log(of: "alerts") }
            let streams = hosts.enumerated().map { $1.open("host-\($0)") }

            for number in 0..<100 {
                for (index, host) in hosts.enumerated() {
                    host.append(line("\(index) \(number)"), to: streams[index])
                    if number % 7 == index { host.flush() }
                }
            }
            for host in hosts { host.flush() }

            for host in hosts {
                let events = host.events(LogQuery()).events
                #expect(events.count == 200)
                for index in 0..<2 {
                    let own = events.filter { $0.stream == "host-\(index)" }.map(\.message)
                    #expect(own == (0..<100).map { "\(index) \($0)" })
                }
            }
        }
    }

    @Test func `the limit holds for all hosts together, and none loses its way when files go`() async throws {
        try await withTemporaryDirectory { directory in
            let limits = FunctionLogs.Limits(bytes: 256 << 10)
            let hosts = (0..<3).map { _ in
                FunctionLogs(directory: directory, limits: limits).log(of: "alerts")
            }
            let streams = hosts.enumerated().map { $1.open("host-\($0)") }

            for number in 0..<9000 {
                let index = number % 3
                let text = "number \(number) \(String(repeating: "x", count: 60))"
                hosts[index].append(line(text), to: streams[index])
                if number % 31 == 0 { hosts[index].flush() }
            }
            for host in hosts { host.flush() }

            #expect(hosts[0].storedBytes <= limits.bytes)
            #expect(hosts[0].storedBytes > limits.bytes / 2)
            let events = hosts[1].events(LogQuery()).events
            #expect(events.allSatisfy { $0.message.hasPrefix("number ") && $0.message.hasSuffix("x") })
            #expect(Set(events.map(\.stream)).count == 3)
        }
    }

    @Test func `a line that a killed host has torn is dropped by the one that writes next`() async throws {
        try await withTemporaryDirectory { directory in
            let killed = FunctionLogs(directory: directory).log(of: "alerts")
            let other = FunctionLogs(directory: directory).log(of: "alerts")
            let stream = other.open("b")
            killed.append(line("before"), to: killed.open("a"))
            killed.flush()
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/alerts")
            let file = try #require(names.first { $0.hasSuffix(".log") })
            let handle = try #require(FileHandle(forWritingAtPath: "\(directory)/alerts/\(file)"))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("1 17000".utf8))
            try handle.close()

            other.append(line("after"), to: stream)
            other.flush()

            #expect(other.events(LogQuery()).events.map(\.message) == ["before", "after"])
        }
    }
}
