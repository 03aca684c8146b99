import ArgumentParser
import ManagementAPI

struct FailureShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one failure: its records, why they were given up, and its delivery.",
        discussion: "With --payload only the function's event is printed, as it can be invoked again."
    )

    @Argument(help: "The failure's name, as `millrace failure list` prints it.")
    var id: String

    @Flag(help: "Print the function's event for the records and nothing else.")
    var payload = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard !(payload && json) else { throw ValidationError("--payload is JSON already; leave out --json") }
        // It becomes a part of a URL.
        let isName = id.utf8.allSatisfy {
            $0 == UInt8(ascii: "-") || Character(Unicode.Scalar($0)).isHexDigit
        }
        guard isName, !id.isEmpty else { throw ValidationError("a failure's name is a UUID, not \(id)") }
    }

    func run() async throws {
        let client = try host.client()
        let path = "failures/\(id.lowercased())"
        if json { return try await client.printJSON(path) }
        let failure = try await client.management("GET", path, as: FailureSummary.self)
        if payload { return print(failure.payload ?? "") }
        print(failure)
    }

    private func print(_ failure: FailureSummary) {
        print("failure      \(failure.failure)")
        print("time         \(failure.time)")
        print("condition    \(failure.condition)")
        print("function     \(failure.functionARN)")
        print("mapping      \(failure.mapping)")
        print("stream       \(failure.streamARN)")
        print("shard        \(failure.shard)")
        print("records      \(failure.records)")
        print("from         \(failure.firstSequenceNumber), arrived \(failure.firstArrival)")
        print("to           \(failure.lastSequenceNumber), arrived \(failure.lastArrival)")
        print("invocations  \(failure.invocations)")
        if let version = failure.executedVersion { print("version      \(version)") }
        if let error = failure.error { print("because      \(error)") }
        print(failure.delivery)
        guard !failure.logTail.isEmpty else { return }
        print("")
        print(failure.logTail)
    }

    private func print(_ delivery: FailureDeliverySummary) {
        print("destination  \(delivery.destination ?? "-")")
        print("delivery     \(delivery.description)")
        if let time = delivery.deliveredAt { print("delivered    \(time), try \(delivery.attempts)") }
        if let time = delivery.nextAttempt { print("next try     \(time)") }
        if let error = delivery.lastError { print("last error   \(error)") }
    }

    private func print(_ line: String) { Swift.print(line) }
}
