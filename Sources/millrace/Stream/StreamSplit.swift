import ArgumentParser

struct StreamSplit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split",
        abstract: "Closes a shard and opens two for its hash keys.",
        discussion:
            "Prints the children. Functions process what the shard holds before they begin with those."
    )

    @Argument(help: "The stream's name.")
    var name: String

    @Argument(help: "The shard, such as shardId-000000000003, or its number.")
    var shard: ShardReference

    @Option(
        help: ArgumentHelp(
            "The first hash key of the upper child; the middle of the shard's by default.",
            valueName: "hash-key"
        )
    )
    var at: HashKeyArgument?

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let key = if let at { at.key } else { try await middle(client) }
        _ = try await client.kinesis(
            "SplitShard",
            ["StreamName": name, "ShardToSplit": shard.id, "NewStartingHashKey": String(key)]
        )
        try await client.printChildren(of: shard.id, in: name)
    }

    private func middle(_ client: HostClient) async throws -> UInt128 {
        guard let found = try await client.shards(of: name).first(where: { $0.id == shard.id }) else {
            throw CommandFailure(
                "stream \(name) has no shard \(shard.id)",
                hint: "list them with `millrace stream describe \(name)`"
            )
        }
        guard let first = UInt128(found.firstHashKey), let last = UInt128(found.lastHashKey), first <= last
        else { throw CommandFailure("shard \(shard.id) of stream \(name) has no hash key range") }
        // Where CreateStream cuts too: a range of an even size in two equal halves.
        return first + (last - first) / 2 + 1
    }
}

/// A place in the hash key space, in decimal.
struct HashKeyArgument: ExpressibleByArgument {
    let key: UInt128

    init?(argument: String) {
        guard let key = UInt128(argument) else { return nil }
        self.key = key
    }
}

/// A shard as commands take it: its name or its number.
struct ShardReference: ExpressibleByArgument, Hashable {
    let id: String

    init?(argument: String) {
        if let number = Int(argument) {
            guard (0..<1_000_000_000_000).contains(number) else { return nil }
            let digits = String(number)
            id = "shardId-" + String(repeating: "0", count: 12 - digits.count) + digits
        } else {
            guard !argument.isEmpty else { return nil }
            id = argument
        }
    }
}

extension HostClient {
    /// Prints the shards that took the place of one.
    func printChildren(of shard: String, in stream: String) async throws {
        for child in try await shards(of: stream) where child.parents.contains(shard) { print(child.id) }
    }
}
