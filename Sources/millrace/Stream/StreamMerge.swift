import ArgumentParser

struct StreamMerge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Closes two neighbouring shards and opens one for the hash keys of both.",
        discussion: "Prints the child. Functions process what the two hold before they begin with it."
    )

    @Argument(help: "The stream's name.")
    var name: String

    @Argument(help: "A shard, such as shardId-000000000003, or its number.")
    var shard: ShardReference

    @Argument(help: "Its neighbour: the shard whose hash keys follow or precede.")
    var adjacent: ShardReference

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        _ = try await client.kinesis(
            "MergeShards",
            ["StreamName": name, "ShardToMerge": shard.id, "AdjacentShardToMerge": adjacent.id]
        )
        try await client.printChildren(of: shard.id, in: name)
    }
}
