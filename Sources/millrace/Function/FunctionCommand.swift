import ArgumentParser

struct FunctionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "function",
        abstract: "Registers functions and shows how they fare.",
        subcommands: [FunctionList.self, FunctionRegister.self, FunctionShow.self, FunctionRemove.self]
    )
}
