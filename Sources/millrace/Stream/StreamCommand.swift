import ArgumentParser

struct StreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Creates, fills and reads streams.",
        subcommands: [
            StreamList.self, StreamCreate.self, StreamDescribe.self, StreamPut.self, StreamTail.self,
        ]
    )
}
