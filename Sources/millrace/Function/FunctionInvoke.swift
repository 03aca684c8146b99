import ArgumentParser
import AWSClient
import Foundation

struct FunctionInvoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoke",
        abstract: "Runs a function once with an event of your own, and prints its answer.",
        discussion: "The function's own error goes to stderr, with exit code 1."
    )

    @Argument(help: "The function's name or ARN; NAME:QUALIFIER for a version or an alias.")
    var name: String

    @Option(help: "The event: JSON, @FILE, or - for stdin. Default: {}.")
    var payload: Payload?

    @Flag(
        name: .customLong("async"),
        help: "Do not wait: the host runs the function later, and tries again if it fails."
    )
    var isAsynchronous = false

    @Flag(help: "Print the last 4 KB of what the function logged, on stderr.")
    var tailLog = false

    @OptionGroup var host: HostOptions

    /// A function runs for 900 s at most; before that it may wait for a free process.
    private static let timeout = Duration.seconds(960)

    func validate() throws {
        guard !isAsynchronous || !tailLog else {
            throw ValidationError(
                "--tail-log goes with an invocation that is waited for, so not with --async"
            )
        }
    }

    func run() async throws {
        var headers = [("X-Amz-Invocation-Type", isAsynchronous ? "Event" : "RequestResponse")]
        if tailLog { headers.append(("X-Amz-Log-Type", "Tail")) }
        let body = try (payload ?? .text("{}")).read()
        let client = try host.client(timeout: Self.timeout)
        try await client.waitUntilTried(name)
        let answer = try await client.lambda(
            "POST",
            "functions/\(name.pathPart)/invocations",
            headers: headers.map { (name: $0.0, value: $0.1) },
            body: body
        )
        if isAsynchronous {
            return printError(
                "function \(name) will run: request \(answer.headers["x-amzn-requestid"] ?? "accepted")"
            )
        }
        if let log = answer.headers["x-amz-log-result"].flatMap({ Data(base64Encoded: $0) }) {
            FileHandle.standardError.write(log)
        }
        if answer.headers["x-amz-function-error"] != nil {
            throw FunctionErrorText(answer.body).failure(of: name)
        }
        try FileHandle.standardOutput.write(contentsOf: Data(answer.body + [UInt8(ascii: "\n")]))
    }

    /// Where an event comes from.
    enum Payload: ExpressibleByArgument, Equatable {
        case text(String)
        case file(String)
        case standardInput

        /// What Lambda takes, and more than what it takes asynchronously.
        private static let maximumBytes = 6 * 1024 * 1024

        init?(argument: String) {
            switch argument {
            case "-": self = .standardInput
            case let text where text.hasPrefix("@"): self = .file(String(text.dropFirst()))
            default: self = .text(argument)
            }
        }

        func read() throws -> [UInt8] {
            let bytes: [UInt8]
            switch self {
            case .text(let text): bytes = [UInt8](text.utf8)
            case .file(let path): bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            case .standardInput:
                // One byte more tells that there is more.
                let data = try FileHandle.standardInput.read(upToCount: Self.maximumBytes + 1)
                bytes = [UInt8](data ?? Data())
            }
            guard bytes.count <= Self.maximumBytes else {
                throw CommandFailure(
                    "the event has more than \(Self.maximumBytes) bytes, which a function may be given"
                )
            }
            return bytes
        }
    }
}

/// The error that a function answered, in words.
struct FunctionErrorText {
    let message: String
    let stackTrace: [String]

    init(_ body: [UInt8]) {
        let fields = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]
        let text = fields?["errorMessage"] as? String
        let type = fields?["errorType"] as? String
        let parts = [type, text].compactMap { $0 }.filter { !$0.isEmpty }
        message = parts.isEmpty ? String(decoding: body, as: UTF8.self) : parts.joined(separator: ": ")
        stackTrace = (fields?["stackTrace"] as? [Any] ?? []).map { "\($0)" }
    }

    func failure(of name: String) -> CommandFailure {
        for line in stackTrace { printError(line.trimmingCharacters(in: .newlines)) }
        return CommandFailure(
            "function \(name) failed: \(message)",
            hint: "`millrace function logs \(name)` shows what it printed"
        )
    }
}
