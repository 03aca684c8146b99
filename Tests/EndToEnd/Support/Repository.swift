import Foundation

/// Where the things under test lie.
enum Repository {
    /// The root of the checkout.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let functions = root.appendingPathComponent("functions")

    static let endToEnd = root.appendingPathComponent("Tests/EndToEnd")

    /// The binary built with the tests, beside them; `MILLRACE_EXECUTABLE` names another.
    static let millrace: URL = {
        if let path = ProcessInfo.processInfo.environment["MILLRACE_EXECUTABLE"] {
            return URL(fileURLWithPath: path)
        }
        let tests = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        return tests.deletingLastPathComponent().appendingPathComponent("millrace")
    }()

    /// The virtual environment's folder for commands, which `make test` fills: Python with boto3 and awslambdaric, and `aws`.
    static let clients = root.appendingPathComponent(".build/venv/bin")

    static let python = clients.appendingPathComponent("python3")

    /// Where `make test` puts Amazon's Kinesis Client Library, and where DynamoDB for its leases.
    static let kcl = root.appendingPathComponent(".build/kcl")
    static let ministack = root.appendingPathComponent(".build/ministack")
}
