import ArgumentParser
import Foundation
import ManagementAPI

struct FunctionRegister: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Registers the function of a folder, or registers it anew after a change."
    )

    @Argument(help: "A folder with a function.yaml.")
    var directory: String

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let path = URL(fileURLWithPath: directory).standardizedFileURL.path
        let function = try await client.management(
            "POST",
            "functions",
            RegisterRequest(directory: path),
            as: FunctionSummary.self
        )
        let streams = function.streams.isEmpty ? "no stream" : function.streams.joined(separator: ", ")
        printError("function \(function.name) registered on \(streams)")
    }
}
