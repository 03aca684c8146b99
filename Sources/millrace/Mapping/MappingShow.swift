import ArgumentParser
import Foundation
import ManagementAPI

struct MappingShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows a mapping: its settings, its state, and how far each shard has been processed."
    )

    @Argument(help: "\(MappingReference.help)")
    var mapping: String

    @Flag(help: "Print JSON: Lambda's own answer, and the shards under \"Shards\".")
    var json = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let summary = try await client.mapping(named: mapping)
        guard var configuration = try await client.mappingConfiguration(summary.mapping) else {
            throw CommandFailure("mapping \(summary.mapping) was removed meanwhile")
        }
        let shards = try await client.management("GET", "checkpoints", as: [CheckpointSummary].self)
            .filter { $0.mapping == summary.mapping }
        if json {
            let encoded = try JSONEncoder().encode(shards)
            configuration["Shards"] = try JSONSerialization.jsonObject(with: encoded)
            let data = try JSONSerialization.data(
                withJSONObject: configuration,
                options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            )
            return print(String(decoding: data, as: UTF8.self))
        }
        for line in MappingInWords(configuration).lines {
            print("\(line.name.padding(toLength: 13, withPad: " ", startingAt: 0))\(line.text)")
        }
        print("now          \(summary.state)")
        guard !shards.isEmpty else { return }
        print("")
        print(shards)
        let counted = shards.compactMap { shard in shard.events.map { (shard.shard, $0) } }
        guard !counted.isEmpty else { return }
        print("")
        print(counted)
    }

    /// The metrics that the mapping's MetricsConfig asks for.
    private func print(_ counted: [(shard: String, events: EventCountSummary)]) {
        var table = Table(
            "SHARD",
            "POLLED",
            "FILTERED OUT",
            "INVOKED",
            "FAILED INVOKE",
            "GIVEN UP",
            "DELIVERED"
        )
        for (shard, events) in counted {
            table.add(
                shard,
                "\(events.polled)",
                "\(events.filteredOut)",
                "\(events.invoked)",
                "\(events.failedInvoke)",
                "\(events.givenUp)",
                "\(events.delivered)"
            )
        }
        table.print()
    }

    private func print(_ shards: [CheckpointSummary]) {
        var table = Table("SHARD", "CHECKPOINT", "AGE", "RECORDS", "BATCHES", "FAILED", "STATE")
        for shard in shards {
            table.add(
                shard.shard,
                shard.checkpoint,
                shard.iteratorAgeMilliseconds.map { "\($0) ms" } ?? "-",
                "\(shard.records)",
                "\(shard.batches)",
                "\(shard.failedInvocations)",
                shard.lastError.map { "\(shard.state): \($0)" } ?? shard.state
            )
        }
        table.print()
    }

    private func print(_ line: String) { Swift.print(line) }
}
