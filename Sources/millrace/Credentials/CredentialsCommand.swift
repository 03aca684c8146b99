import AccessControl
import ArgumentParser

struct CredentialsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credentials",
        abstract: "Changes the file of keys that `serve --credentials` asks for.",
        discussion: "A running host takes up a change by itself: a key that was removed counts no more.",
        subcommands: [CredentialsAdd.self, CredentialsList.self, CredentialsRemove.self]
    )
}

extension Role: ExpressibleByArgument {}

extension CommandFailure {
    init(_ unusable: CredentialsUnusable) {
        self.init(messages: unusable.messages, hint: unusable.hint)
    }
}
