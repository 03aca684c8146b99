import ArgumentParser
import ManagementAPI

struct FunctionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows a function, its processes, and why it cannot start."
    )

    @Argument(help: "The function's name.")
    var name: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        if json { return try await client.printJSON("functions/\(name)") }
        let function = try await client.management("GET", "functions/\(name)", as: FunctionSummary.self)
        print("function     \(function.name)")
        print("runtime      \(function.runtime)")
        if !function.handler.isEmpty { print("handler      \(function.handler)") }
        print("code         \(function.codeDirectory)")
        print("timeout      \(function.timeoutSeconds) s")
        print("memory       \(function.memoryMegabytes) MB")
        print("concurrency  \(function.concurrencyLimit)")
        print("streams      \(function.streams.joined(separator: ", "))")
        print("state        \(function.state)")
        if let failure = function.startFailure ?? function.lastError { print("because      \(failure)") }
        guard !function.processes.isEmpty else { return }
        print("")
        var table = Table("PID", "STATE", "INVOCATIONS")
        for process in function.processes {
            table.add("\(process.pid)", process.state, "\(process.invocations)")
        }
        table.print()
    }
}
