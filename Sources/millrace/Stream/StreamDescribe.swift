import ArgumentParser

struct StreamDescribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Shows a stream and its shards."
    )

    @Argument(help: "The stream's name.")
    var name: String

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let answer = try await client.kinesis("DescribeStreamSummary", ["StreamName": name])
        let summary = answer["StreamDescriptionSummary"] as? [String: Any] ?? [:]
        print("stream     \(name)")
        print("arn        \(summary["StreamARN"] as? String ?? "")")
        print("status     \(summary["StreamStatus"] as? String ?? "")")
        print("retention  \(await client.retention(of: name, summary))")
        print("")
        var table = Table("SHARD", "STATE", "FIRST HASH KEY", "LAST HASH KEY", "PARENTS")
        for shard in try await client.shards(of: name) {
            table.add(
                shard.id,
                shard.isOpen ? "open" : "closed",
                shard.firstHashKey,
                shard.lastHashKey,
                shard.parents.isEmpty ? "-" : shard.parents.joined(separator: ", ")
            )
        }
        table.print()
    }
}

/// A shard as ListShards tells it.
struct ListedShard {
    let id: String
    let isOpen: Bool
    let firstHashKey: String
    let lastHashKey: String
    /// Those that are still listed.
    let parents: [String]

    init?(_ fields: [String: Any]) {
        guard let id = fields["ShardId"] as? String else { return nil }
        self.id = id
        let numbers = fields["SequenceNumberRange"] as? [String: Any] ?? [:]
        let keys = fields["HashKeyRange"] as? [String: Any] ?? [:]
        isOpen = numbers["EndingSequenceNumber"] == nil
        firstHashKey = keys["StartingHashKey"] as? String ?? ""
        lastHashKey = keys["EndingHashKey"] as? String ?? ""
        parents = ["ParentShardId", "AdjacentParentShardId"].compactMap { fields[$0] as? String }
    }
}

extension HostClient {
    func shards(of stream: String) async throws -> [ListedShard] {
        var shards: [ListedShard] = []
        var request: [String: Any] = ["StreamName": stream]
        while true {
            let answer = try await kinesis("ListShards", request)
            shards += (answer["Shards"] as? [[String: Any]] ?? []).compactMap(ListedShard.init)
            guard let token = answer["NextToken"] else { return shards }
            request = ["NextToken": token]
        }
    }
}
