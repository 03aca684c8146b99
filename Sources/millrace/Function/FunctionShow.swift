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
        if !function.description.isEmpty { print("description  \(function.description)") }
        print("runtime      \(function.runtime)")
        if !function.handler.isEmpty { print("handler      \(function.handler)") }
        print("code         \(function.codeDirectory)")
        print("timeout      \(function.timeoutSeconds) s")
        print("memory       \(function.memoryMegabytes) MB")
        print("concurrency  \(function.concurrencyLimit)")
        print("streams      \(function.streams.joined(separator: ", "))")
        if !function.versions.isEmpty {
            print("versions     \(function.versions.map(String.init).joined(separator: ", "))")
        }
        if !function.aliases.isEmpty {
            print(
                "aliases      \(function.aliases.map { "\($0.name) = \($0.version)" }.joined(separator: ", "))"
            )
        }
        let tags = function.tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !tags.isEmpty { print("tags         \(tags.joined(separator: ", "))") }
        print("status       \(function.status)")
        print("update       \(function.updateStatus)")
        print("state        \(function.state)")
        let failure = function.startFailure ?? function.updateFailure ?? function.lastError
        if let failure { print("because      \(failure)") }
        guard !function.processes.isEmpty else { return }
        print("")
        var table = Table("PID", "STATE", "INVOCATIONS")
        for process in function.processes {
            table.add("\(process.pid)", process.state, "\(process.invocations)")
        }
        table.print()
    }
}
