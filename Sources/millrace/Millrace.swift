import ArgumentParser
import EmbeddedLog
import Foundation

@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Runs functions on stream records.",
        discussion: """
            `millrace serve` is the host: it keeps the log, runs the functions and speaks the Kinesis API. `millrace worker`
            runs functions too, beside a host or on another Kinesis API. The other commands talk to a running host.
            """,
        version: "0.1.0",
        subcommands: [
            Serve.self, StreamCommand.self, FunctionCommand.self, MappingCommand.self, CheckpointCommand.self,
            FailureCommand.self, CredentialsCommand.self, WorkerCommand.self, LeaseCommand.self,
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
            end(with: error)
        }
    }

    /// Says what went wrong in the same words as every other failure.
    private static func end(with error: any Error) -> Never {
        let code = exitCode(for: error)
        switch code {
        case .success: exit(withError: error)
        case .validationFailure:
            let arguments = CommandLine.arguments.dropFirst()
            let failure = UnknownCommand(in: Array(arguments), of: Millrace.self)?.failure
            (failure ?? CommandFailure(usageText(of: error))).report()
        default: CommandFailure(text(of: error), hint: (error as? LogCorrupted)?.hint).report()
        }
        exit(withError: code)
    }

    /// Foundation's own text for a failure on a file hides the path among its internals.
    private static func text(of error: any Error) -> String {
        guard let failure = error as? CocoaError, let path = failure.filePath else {
            return message(for: error)
        }
        let code = (failure.underlying as? POSIXError)?.code.rawValue
        let reason = code.map { String(cString: strerror($0)) } ?? failure.localizedDescription
        return "\(path) cannot be used: \(reason)"
    }

    /// The library's text, whose first line begins with `Error: ` and a capital letter.
    private static func usageText(of error: any Error) -> String {
        let text = fullMessage(for: error)
        let heading = "Error: "
        guard text.hasPrefix(heading) else { return text }
        let message = text.dropFirst(heading.count)
        return message.prefix(1).lowercased() + message.dropFirst()
    }
}
