import AccessControl
import ArgumentParser
import Foundation

struct CredentialsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the keys of the file without their secrets."
    )

    @Argument(help: "The file of keys.")
    var file: String

    @Flag(help: "Print JSON.")
    var json = false

    private struct Row: Encodable {
        let accessKeyID: String
        let role: String
        let name: String?
    }

    func run() throws {
        let keys: [AccessKey]
        do {
            keys = try CredentialsFile(path: file).read().keys
        } catch let unusable as CredentialsUnusable {
            throw CommandFailure(unusable)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let rows = keys.map { Row(accessKeyID: $0.id, role: $0.role.rawValue, name: $0.name) }
            return print(String(decoding: try encoder.encode(rows), as: UTF8.self))
        }
        var table = Table("KEY", "ROLE", "NAME")
        for key in keys { table.add(key.id, key.role.rawValue, key.name ?? "-") }
        table.print()
    }
}
