import ArgumentParser
import FunctionManifest

/// A word where the name of a command was expected.
struct UnknownCommand: Equatable {
    let word: String
    /// The commands before it: `millrace stream`.
    let parent: String
    /// The command that was probably meant.
    let nearest: String?

    /// - Returns: `nil` when the arguments name a command that exists, or an option comes first.
    init?(in arguments: [String], of root: any ParsableCommand.Type) {
        var command = root
        var path = Self.name(of: root)
        for word in arguments {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            guard let known = subcommands.first(where: { Self.name(of: $0) == word }) else {
                self.word = word
                parent = path
                nearest = NearestName.of(word, among: subcommands.map(Self.name))
                return
            }
            command = known
            path += " " + word
        }
        return nil
    }

    var failure: CommandFailure {
        CommandFailure(
            "\(parent) has no command \(word)",
            hint: nearest.map { "did you mean `\(parent) \($0)`?" } ?? "`\(parent) --help` lists its commands"
        )
    }

    private static func name(of command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? "\(command)".lowercased()
    }
}
