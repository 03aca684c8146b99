import ArgumentParser

struct StreamCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Creates a stream.")

    @Argument(help: "The stream's name.")
    var name: String

    @Option(help: "Number of shards, each an ordered part of its own.")
    var shards = 4

    @Option(help: "How long records are kept: 1h to 8760h, 1d to 365d, or none for no limit.")
    var retention = RetentionPeriod.standard

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        _ = try await client.kinesis("CreateStream", ["StreamName": name, "ShardCount": shards])
        do {
            try await client.setRetention(of: name, to: retention)
        } catch let failure as CommandFailure {
            throw CommandFailure(
                messages: failure.messages + [
                    "stream \(name) was created, but keeps its records for \(RetentionPeriod.standard)"
                ],
                hint: failure.hint
            )
        }
        printError("stream \(name) created with \(shards) \(shards == 1 ? "shard" : "shards")")
    }
}
