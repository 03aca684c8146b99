import ArgumentParser

struct MappingRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Removes a mapping and its checkpoints, once its batches in flight have ended."
    )

    @Argument(help: "\(MappingReference.help)")
    var mapping: String

    @OptionGroup var wait: MappingWait

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let id = try await client.mappingID(named: mapping)
        try await client.lambda("DELETE", "event-source-mappings/\(id)")
        let state = try await wait.settledState(of: id, client)
        printError(state.map { "mapping \(id) is \($0)" } ?? "mapping \(id) removed")
    }
}
