import ArgumentParser

struct FailureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failure",
        abstract: "Shows the records that were given up, why, and whether their destination has them.",
        subcommands: [FailureList.self, FailureShow.self]
    )
}
