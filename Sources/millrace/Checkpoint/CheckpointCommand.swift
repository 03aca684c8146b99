import ArgumentParser
import ManagementAPI

struct CheckpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Shows how far each shard has been processed.",
        subcommands: [CheckpointList.self]
    )
}

struct CheckpointList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the checkpoints, and what each shard is doing.",
        discussion: "Records and batches are those done since the host started."
    )

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        if json { return try await client.printJSON("checkpoints") }
        let checkpoints = try await client.management("GET", "checkpoints", as: [CheckpointSummary].self)
        var table = Table("FUNCTION", "STREAM", "SHARD", "CHECKPOINT", "AGE", "RECORDS", "BATCHES", "STATE")
        for entry in checkpoints {
            table.add(
                entry.function,
                entry.stream,
                entry.shard,
                entry.checkpoint,
                entry.iteratorAgeMilliseconds.map { "\($0) ms" } ?? "-",
                "\(entry.records)",
                "\(entry.batches)",
                entry.state
            )
        }
        table.print()
    }
}
