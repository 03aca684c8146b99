import ArgumentParser

struct StreamScale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Splits and merges until a stream has so many open shards of equal size.",
        discussion: "At most double of now, at least half: repeat it for more."
    )

    @Argument(help: "The stream's name.")
    var name: String

    @Argument(help: "How many open shards it shall have.")
    var count: Int

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let answer = try await client.kinesis(
            "UpdateShardCount",
            ["StreamName": name, "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"]
        )
        let before = answer["CurrentShardCount"] as? Int ?? 0
        printError("stream \(name) goes from \(before) to \(count) open \(count == 1 ? "shard" : "shards")")
    }
}
