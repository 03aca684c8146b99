import ArgumentParser

@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Runs functions on stream records.",
        discussion: """
            `millrace serve` is the host: it keeps the log, runs the functions and speaks the Kinesis API. The other
            commands talk to a running host.
            """,
        version: "0.1.0",
        subcommands: [
            Serve.self, StreamCommand.self, FunctionCommand.self, MappingCommand.self, CheckpointCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            failure.report()
            exit(withError: ExitCode.failure)
        } catch {
            exit(withError: error)
        }
    }
}
