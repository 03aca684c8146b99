import ArgumentParser
import Foundation

struct StreamPut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Puts each line of a file as one record.",
        discussion: """
            Lines of one key stay in order; empty lines are skipped. A record counts as put once it is stored as the \
            host's durability says. Standard input is put as it comes, so that a growing file can be piped in.
            """
    )

    @Argument(help: "The stream's name.")
    var name: String

    @Argument(help: "A file with one record a line, each up to 10 MiB with its key; - for standard input.")
    var file: String

    @Option(
        help: """
            The field of each line, a JSON object, that is its partition key. Default: the first 256 characters of \
            the line itself.
            """
    )
    var partitionKey: String?

    @OptionGroup var host: HostOptions

    func run() async throws {
        let input = try LineInput(file)
        var upload = StreamUpload(
            stream: name,
            key: partitionKey.map(PartitionKey.field) ?? .line,
            client: try host.client()
        )
        do {
            try await upload.run(input)
        } catch let failure as CommandFailure {
            throw upload.stopped(by: failure)
        }
        printError("put \(upload.storedCount) records into stream \(name)")
    }
}
