import ArgumentParser

struct StreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Creates, fills, reads and reshards streams.",
        subcommands: [
            StreamList.self, StreamCreate.self, StreamDescribe.self, StreamPut.self, StreamTail.self,
            StreamSplit.self, StreamMerge.self, StreamScale.self,
        ]
    )
}
