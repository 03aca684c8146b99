import ArgumentParser
import Foundation
import FunctionManifest
import ManagementAPI

struct FunctionRegister: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract:
            "Registers the functions of folders or of a SAM template, or registers them anew after a change.",
        discussion: """
            Of a template, all functions are registered or none. Its Kinesis streams are created when they are missing.
            """
    )

    @Argument(help: "Folders, each with a function.yaml.")
    var directories: [String] = []

    @Option(help: "A SAM template instead: template.yaml, or what `sam build` made of it.")
    var sam: String?

    @OptionGroup(title: "With --sam") var template: TemplateArguments

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard sam != nil || !directories.isEmpty else {
            throw ValidationError("name a folder with a function.yaml, or a template with --sam")
        }
        guard sam == nil || directories.isEmpty else {
            throw ValidationError("folders and --sam do not go together: a template names its folders itself")
        }
        guard sam != nil || template.isUnused else {
            throw ValidationError("--parameter, --stack-name and --skip-unsupported go with --sam only")
        }
    }

    func run() async throws {
        let client = try host.client()
        if let sam { return try await client.register(template: template.request(for: sam)) }
        for (index, directory) in directories.enumerated() {
            do {
                try await register(directory, client)
            } catch let failure as CommandFailure where index > 0 {
                let done = "\(index) of \(directories.count) folders were registered before"
                throw CommandFailure(messages: failure.messages + [done], hint: failure.hint)
            }
        }
    }

    private func register(_ directory: String, _ client: HostClient) async throws {
        let path = URL(fileURLWithPath: directory).standardizedFileURL.path
        let function = try await client.management(
            "POST",
            "functions",
            RegisterRequest(directory: path),
            as: FunctionSummary.self
        )
        try function.announce()
    }
}

/// How a template is to be read.
struct TemplateArguments: ParsableArguments {
    @Option(help: "A value for one of the template's Parameters: NAME=VALUE. May be repeated.")
    var parameter: [TemplateParameter] = []

    @Option(help: "What AWS::StackName stands for. Default: \(TemplateOptions.defaultStackName).")
    var stackName: String?

    @Flag(
        help:
            "Leave out the events, resources and properties that Millrace does not carry out, and say which."
    )
    var skipUnsupported = false

    var isUnused: Bool { parameter.isEmpty && stackName == nil && !skipUnsupported }

    func request(for file: String) -> TemplateRequest {
        TemplateRequest(
            template: URL(fileURLWithPath: file).standardizedFileURL.path,
            parameters: Dictionary(parameter.map { ($0.name, $0.value) }) { $1 },
            stackName: stackName ?? TemplateOptions.defaultStackName,
            skipsUnsupported: skipUnsupported
        )
    }
}

/// One `NAME=VALUE` for a template; the value may be empty.
struct TemplateParameter: ExpressibleByArgument, Hashable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

extension FunctionSummary {
    /// Says what was registered.
    ///
    /// - Throws: When its code does not start.
    func announce() throws(CommandFailure) {
        let streams = streams.isEmpty ? "no stream" : streams.joined(separator: ", ")
        printError("function \(name) registered on \(streams)")
        guard let updateFailure else { return }
        throw CommandFailure(
            "the code of function \(name) does not start: \(updateFailure)",
            hint: status == "Active" ? "what ran before runs on; mend the code and register it again" : nil
        )
    }
}
