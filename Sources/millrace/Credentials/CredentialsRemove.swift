import AccessControl
import ArgumentParser

struct CredentialsRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Removes a key from the file: requests signed with it are refused from then on."
    )

    @Argument(help: "The file of keys.")
    var file: String

    @Argument(help: "The access key id.")
    var key: String

    func run() throws {
        do {
            try CredentialsFile(path: file).change { text in
                guard text.remove(key) else {
                    throw CommandFailure(
                        "\(file) has no key \(key)",
                        hint: "`millrace credentials list \(file)` lists its keys"
                    )
                }
            }
        } catch let unusable as CredentialsUnusable {
            throw CommandFailure(unusable)
        }
        printError("key \(key) removed")
    }
}
