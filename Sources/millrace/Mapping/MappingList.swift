import ArgumentParser
import ManagementAPI

struct MappingList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the mappings.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        if json { return try await client.printJSON("mappings") }
        let mappings = try await client.management("GET", "mappings", as: [MappingSummary].self)
        var table = Table("MAPPING", "FUNCTION", "STREAM", "BATCH", "WINDOW", "STARTS AT", "STATE")
        for mapping in mappings {
            table.add(
                mapping.mapping,
                mapping.function,
                mapping.stream,
                "\(mapping.batchSize)",
                "\(mapping.batchWindowSeconds) s",
                mapping.startingPosition,
                mapping.state
            )
        }
        table.print()
    }
}
