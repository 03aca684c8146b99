import ArgumentParser

struct MappingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mapping",
        abstract: "Makes, changes and shows the event source mappings: which function runs for which stream.",
        subcommands: [
            MappingList.self, MappingShow.self, MappingCreate.self, MappingUpdate.self, MappingPause.self,
            MappingResume.self, MappingRemove.self,
        ]
    )
}
