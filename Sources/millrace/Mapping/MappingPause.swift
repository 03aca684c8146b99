import ArgumentParser

struct MappingPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stops reading for a mapping, once its batches in flight have ended.",
        discussion: "Its checkpoints stay: `millrace mapping resume` goes on from them."
    )

    @Argument(help: "\(MappingReference.help)")
    var mapping: String

    @OptionGroup var wait: MappingWait

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        try await client.update(try await client.mappingID(named: mapping), ["Enabled": false], wait)
    }
}

struct MappingResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Goes on reading for a mapping that was paused."
    )

    @Argument(help: "\(MappingReference.help)")
    var mapping: String

    @OptionGroup var wait: MappingWait

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        try await client.update(try await client.mappingID(named: mapping), ["Enabled": true], wait)
    }
}
