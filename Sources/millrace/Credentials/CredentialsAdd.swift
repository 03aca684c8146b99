import AccessControl
import ArgumentParser

struct CredentialsAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract:
            "Makes a key, adds it to the file, and prints it as AWS clients want it in their environment."
    )

    @Argument(help: "The file of keys; made when missing, readable by its owner only.")
    var file: String

    @Option(help: "What the key may do: \(Role.names).")
    var role: Role

    @Option(help: "Whose key it is: letters, digits and _.@+-")
    var name: String?

    func validate() throws {
        guard name.map(AccessKey.isName) ?? true else {
            throw ValidationError(
                "a name has at most \(AccessKey.maximumNameCharacters) letters, digits and _.@+-"
            )
        }
    }

    func run() throws {
        let key = AccessKey.generate(role: role, name: name)
        do {
            try CredentialsFile(path: file).change { try $0.add(key) }
        } catch let unusable as CredentialsUnusable {
            throw CommandFailure(unusable)
        } catch let invalid as InvalidCredentials {
            throw CommandFailure(messages: invalid.problems)
        }
        print("AWS_ACCESS_KEY_ID=\(key.id)")
        print("AWS_SECRET_ACCESS_KEY=\(key.secret)")
        printError("key \(key) added as \(role.rawValue)")
    }
}
