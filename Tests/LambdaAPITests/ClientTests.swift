import Foundation
import TestSupport
import Testing

struct ClientTests {
    @Test(.timeLimit(.minutes(5)))
    func `boto3 deploys, invokes, maps and removes functions as on Lambda`() async throws {
        try await LambdaServer.with { server in
            let output = try await Python.run("check_lambda.py", server.url)

            #expect(output.hasSuffix("ok\n"), "\(output)")
        }
    }
}

/// The clients that `make test` installs.
enum Python {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    /// What a script printed, on either of its outputs.
    static func run(_ script: String, _ arguments: String...) async throws -> String {
        let process = Process()
        let repository = tests.deletingLastPathComponent().deletingLastPathComponent()
        process.executableURL = repository.appendingPathComponent(".build/venv/bin/python3")
        process.arguments = ["-B", tests.appendingPathComponent("Scripts/\(script)").path] + arguments
        let output = Pipe.toChild()
        process.standardOutput = output
        process.standardError = output
        try process.start()
        return try await onOwnThread {
            let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
