import ArgumentParser
import Foundation

struct FunctionLogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Prints what a function logged, with the START, END and REPORT lines of its invocations."
    )

    @Argument(help: "The function's name.")
    var name: String

    @Flag(help: "Go on with what the function logs from now on, until interrupted.")
    var follow = false

    @Option(help: "How far back to begin: 30s, 10m, 2h or 1d.")
    var since = TimeSpan(seconds: 600)

    @Flag(help: "Print each event as one line of JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        var follower = LogFollower(since: now - Int64(since.seconds) * 1000)
        while true {
            // The pages of one answer have one start.
            let start = follower.startTime
            var token: Any?
            repeat {
                var request: [String: Any] = ["logGroupName": "/aws/lambda/\(name)", "startTime": start]
                request["nextToken"] = token
                let answer = try await client.logs("FilterLogEvents", request)
                let events = (answer["events"] as? [[String: Any]] ?? []).compactMap(LogEvent.init)
                for event in follower.unseen(of: events) { try write(event) }
                token = answer["nextToken"]
            } while token != nil
            guard follow else { return }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    private func write(_ event: LogEvent) throws {
        let line = json ? try event.jsonLine() : event.line
        try FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
    }
}

/// A time to look back: `30s`, `10m`, `2h`, `1d`.
struct TimeSpan: ExpressibleByArgument, Hashable {
    let seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
    }

    init?(argument: String) {
        let units = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[String($0)] }), let count = Int(argument.dropLast()),
            (0...1_000_000).contains(count)
        else { return nil }
        seconds = count * unit
    }

    var defaultValueDescription: String { seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s" }
}
