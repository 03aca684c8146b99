import Foundation
import TestSupport

/// A child process whose output is kept.
final class ChildProcess: Sendable {
    enum End: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    let name: String
    let standardOutput = CapturedOutput()
    let standardError = CapturedOutput()
    private let process: Process

    init(
        _ executable: URL,
        _ arguments: [String],
        environment: [String: String] = [:],
        standardInput: FileHandle = .nullDevice,
        in directory: String? = nil
    ) throws {
        name = ([executable.lastPathComponent] + arguments.prefix(2)).joined(separator: " ")
        process = Process()
        process.executableURL = executable
        process.arguments = arguments
        // What a developer has set for the real service must not reach a test.
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AWS_") }
            .merging(environment) { $1 }
        process.standardInput = standardInput
        process.standardOutput = standardOutput.pipe
        process.standardError = standardError.pipe
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        try process.start()
        standardOutput.collect()
        standardError.collect()
    }

    var pid: Int32 { process.processIdentifier }

    var isRunning: Bool { process.isRunning }

    func signal(_ number: Int32) {
        if process.isRunning { kill(pid, number) }
    }

    /// Waits for the process and the last of its output.
    @discardableResult
    func end(within limit: Duration = .seconds(300)) async throws -> End {
        try await eventually("\(name) ends", within: limit) { !process.isRunning }
        // A child of its own may hold the pipe for a moment longer.
        try await eventually("the output of \(name) ends", within: limit) {
            standardOutput.isComplete && standardError.isComplete
        }
        let status = process.terminationStatus
        return process.terminationReason == .exit ? .exited(status) : .killed(signal: status)
    }
}

/// A command that has ended.
struct FinishedCommand {
    let end: ChildProcess.End
    let standardOutput: String
    let standardError: String

    var isSuccess: Bool { end == .exited(0) }
}

/// Runs a command to its end.
func run(
    _ executable: URL,
    _ arguments: [String],
    environment: [String: String] = [:],
    within limit: Duration = .seconds(300)
) async throws -> FinishedCommand {
    let child = try ChildProcess(executable, arguments, environment: environment)
    defer { child.signal(SIGKILL) }
    let end = try await child.end(within: limit)
    return FinishedCommand(
        end: end,
        standardOutput: child.standardOutput.text,
        standardError: child.standardError.text
    )
}

struct CommandFailed: Error, CustomStringConvertible {
    let command: String
    let finished: FinishedCommand

    var description: String {
        "\(command) ended with \(finished.end): \(finished.standardError)\(finished.standardOutput)"
    }
}
