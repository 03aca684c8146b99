import ArgumentParser

struct FunctionRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Removes a function, its mappings and their checkpoints."
    )

    @Argument(help: "The function's name.")
    var name: String

    @OptionGroup var host: HostOptions

    func run() async throws {
        try await host.client().management("DELETE", "functions/\(name)")
        printError("function \(name) removed")
    }
}
