import ArgumentParser

struct FunctionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "function",
        abstract: "Registers functions, invokes them and shows how they fare.",
        subcommands: [
            FunctionList.self, FunctionRegister.self, FunctionShow.self, FunctionInvoke.self,
            FunctionLogsCommand.self,
            FunctionRemove.self,
        ]
    )
}
