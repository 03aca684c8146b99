import ArgumentParser

struct StreamCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Creates a stream.")

    @Argument(help: "The stream's name.")
    var name: String

    @Option(help: "Number of shards, each an ordered part of its own.")
    var shards = 4

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        _ = try await client.kinesis("CreateStream", ["StreamName": name, "ShardCount": shards])
        printError("stream \(name) created with \(shards) \(shards == 1 ? "shard" : "shards")")
    }
}
