import ArgumentParser
import ManagementAPI

struct FunctionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the functions.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        if json { return try await client.printJSON("functions") }
        let functions = try await client.management("GET", "functions", as: [FunctionSummary].self)
        var table = Table("FUNCTION", "RUNTIME", "STREAMS", "PROCESSES", "STATUS", "UPDATE", "STATE")
        for function in functions {
            table.add(
                function.name,
                function.runtime,
                function.streams.isEmpty ? "-" : function.streams.joined(separator: ","),
                "\(function.processes.count)",
                function.status,
                function.updateStatus,
                function.startFailure.map { "\(function.state): \($0)" } ?? function.state
            )
        }
        table.print()
    }
}
