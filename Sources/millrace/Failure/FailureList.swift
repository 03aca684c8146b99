import ArgumentParser
import Foundation
import ManagementAPI

struct FailureList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the failures that the host keeps, the last first."
    )

    @Option(help: "Only those of the mapping with this UUID.")
    var mapping: String?

    @Option(help: "Most failures, 1 to 1000.")
    var limit = 100

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard (1...1_000).contains(limit) else {
            throw ValidationError("--limit takes 1 to 1000, not \(limit)")
        }
        // It becomes a part of a URL.
        let isUUID = mapping?.utf8.allSatisfy {
            $0 == UInt8(ascii: "-") || Character(Unicode.Scalar($0)).isHexDigit
        }
        guard isUUID ?? true else { throw ValidationError("--mapping takes a UUID, not \(mapping ?? "")") }
    }

    func run() async throws {
        let client = try host.client()
        let path = "failures?limit=\(limit)" + (mapping.map { "&mapping=\($0.lowercased())" } ?? "")
        if json { return try await client.printJSON(path) }
        let failures = try await client.management("GET", path, as: [FailureSummary].self)
        var table = Table(
            "FAILURE",
            "TIME",
            "FUNCTION",
            "SHARD",
            "RECORDS",
            "CONDITION",
            "INVOCATIONS",
            "DELIVERY",
            "ERROR"
        )
        for failure in failures {
            table.add(
                failure.failure,
                failure.time,
                failure.functionName,
                failure.shard,
                "\(failure.records)",
                failure.condition,
                "\(failure.invocations)",
                failure.delivery.description,
                failure.error?.firstLine ?? "-"
            )
        }
        table.print()
    }
}

extension FailureSummary {
    /// With its qualifier, if it has one.
    var functionName: String {
        let marker = ":function:"
        return functionARN.range(of: marker).map { String(functionARN[$0.upperBound...]) } ?? functionARN
    }
}

extension String {
    /// A table has one line for each row.
    var firstLine: String {
        split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
