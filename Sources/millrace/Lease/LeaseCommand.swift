import ArgumentParser

struct LeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Shows which worker has which shard, and why a shard does not move.",
        subcommands: [LeaseList.self, LeaseRelease.self, LeaseWhy.self]
    )
}
