import ArgumentParser
import Foundation
import Logging
import StreamCore

/// How functions are run, by a host as by a worker.
struct HandlerOptions: ParsableArguments {
    @Option(help: "The Python that has awslambdaric, for functions with a python3 runtime.")
    var python = "python3"

    @Option(
        name: .customLong("function-environment"),
        help: "NAME=VALUE for the environment of every function. May be repeated."
    )
    var functionEnvironment: [EnvironmentVariable] = []

    @Option(
        help: "The most seconds that a process of a function may take from its start until it asks for work."
    )
    var startTimeout = 10

    @Option(help: "The region in ARNs and events. Default: AWS_DEFAULT_REGION, else us-east-1.")
    var region: String?

    /// Functions run in folders of their own, so a path must not depend on this one.
    var pythonPath: String { python.contains("/") ? URL(fileURLWithPath: python).path : python }

    var environment: [String: String] {
        Dictionary(functionEnvironment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    var regionOrDefault: String {
        region ?? ProcessInfo.processInfo.environment["AWS_DEFAULT_REGION"] ?? "us-east-1"
    }

    func validate() throws {
        guard !(1...86_400).contains(startTimeout) else { return }
        throw ValidationError("--start-timeout is \(startTimeout) and must be 1 to 86400")
    }

    /// Prepares a process that has handlers, and makes its logger.
    static func prepareProcess(_ level: LogLevel) -> Logger {
        // Both outlive exec: with SIGCHLD ignored the kernel would take the ends of handlers before the host
        // sees them, and a peer that closes its socket must not end the host.
        signal(SIGCHLD, SIG_DFL)
        signal(SIGPIPE, SIG_IGN)
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "millrace")
        logger.logLevel = level.level
        return logger
    }
}

/// One `NAME=VALUE`.
struct EnvironmentVariable: ExpressibleByArgument {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case debug, info, warning, error

    var level: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

extension WorkerID {
    /// A name that no other process has or ever had.
    static var ofThisProcess: WorkerID {
        WorkerID(
            unchecked: "\(ProcessInfo.processInfo.hostName)-\(getpid())-\(UUID().uuidString.prefix(8))"
        )
    }
}
