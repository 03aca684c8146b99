import Foundation
import StreamCore

/// What to execute for a function, and in which surroundings.
struct LaunchPlan: Equatable {
    /// Its value is another one for each process, by which what a process has started is told.
    static let logStreamVariable = "AWS_LAMBDA_LOG_STREAM_NAME"

    let path: String
    let arguments: [String]
    let environment: [String: String]
    let directory: String
    /// Most writable memory.
    let memoryBytes: Int

    /// - Parameters:
    ///   - runtimeAPI: Address of the Runtime API, for the runtimes that speak it.
    ///   - logStream: What the process's output is logged as.
    /// - Throws: When something that must exist does not, with what to do about it.
    init(
        _ function: FunctionDefinition,
        version: FunctionQualifier = .latest,
        settings: HandlerSettings,
        runtimeAPI: String?,
        logStream: String
    ) throws(StartFailure) {
        let code = function.codeDirectory
        guard FileManager.default.isDirectory(code) else {
            throw StartFailure(reason: "code directory \(code) does not exist")
        }
        switch function.runtime {
        case .swiftPlugin:
            path = try Self.executable(settings.pluginRunner, what: "plugin-runner")
            arguments = [try Self.library(of: function)]
        case .python:
            path = try Self.python(settings.python)
            arguments = ["-m", "awslambdaric", function.handler]
        case .provided:
            path = try Self.executable("\(code)/bootstrap", what: "bootstrap")
            arguments = []
        }
        directory = code
        memoryBytes = function.memoryMegabytes << 20
        var environment = Self.environment(of: function, settings: settings, runtimeAPI: runtimeAPI)
        environment["AWS_LAMBDA_FUNCTION_VERSION"] = version.text
        environment[Self.logStreamVariable] = logStream
        self.environment = environment
    }

    private static func executable(_ path: String, what: String) throws(StartFailure) -> String {
        guard FileManager.default.fileExists(atPath: path) else {
            throw StartFailure(reason: "\(what) \(path) does not exist")
        }
        guard FileManager.default.isExecutableFile(atPath: path), !FileManager.default.isDirectory(path)
        else {
            throw StartFailure(reason: "\(what) \(path) is not executable")
        }
        return path
    }

    /// The newest one: an older release build must not win over what was just built for debugging, nor the other way.
    private static func library(of function: FunctionDefinition) throws(StartFailure) -> String {
        let code = function.codeDirectory
        let file = "lib\(function.handler).so"
        let places = ["\(code)/.build/release/\(file)", "\(code)/.build/debug/\(file)", "\(code)/\(file)"]
        let libraries = places.compactMap { place in
            FileManager.default.modificationDate(of: place).map { (place: place, modified: $0) }
        }
        guard let place = libraries.max(by: { $0.modified < $1.modified })?.place else {
            throw StartFailure(
                reason: "plugin \(file) is not built: run swift build -c release --package-path \(code)"
            )
        }
        return place
    }

    private static func python(_ name: String) throws(StartFailure) -> String {
        if name.contains("/") { return try executable(name, what: "python") }
        let places = searchPath.split(separator: ":").map { "\($0)/\(name)" }
        guard let place = places.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw StartFailure(reason: "\(name) is not in PATH (\(searchPath))")
        }
        return place
    }

    private static var searchPath: String {
        ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    }

    private static func environment(
        of function: FunctionDefinition,
        settings: HandlerSettings,
        runtimeAPI: String?
    ) -> [String: String] {
        let code = function.codeDirectory
        var environment = [
            "PATH": searchPath,
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": function.handler,
            "LAMBDA_TASK_ROOT": code,
            "LAMBDA_RUNTIME_DIR": code,
            "AWS_LAMBDA_FUNCTION_NAME": function.name.text,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String(function.memoryMegabytes),
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/\(function.name)",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": settings.names.region,
            "AWS_DEFAULT_REGION": settings.names.region,
            "AWS_EXECUTION_ENV": "AWS_Lambda_\(function.runtime.name)",
        ]
        if case .python = function.runtime { environment["PYTHONPATH"] = code }
        // A crash's backtrace takes seconds and pushes its message out of what a failure keeps.
        if function.runtime == .swiftPlugin { environment["SWIFT_BACKTRACE"] = "enable=no" }
        // The function's own settings come before these, the operator's before both, and nothing before what ties
        // the process to the host.
        environment.merge(function.environment) { _, own in own }
        environment.merge(settings.environment) { _, operators in operators }
        if let runtimeAPI { environment["AWS_LAMBDA_RUNTIME_API"] = runtimeAPI }
        return environment
    }
}

/// Why a process of a function could not be started.
struct StartFailure: Error, Hashable, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

extension FileManager {
    fileprivate func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// Of the file itself where the path is a link; `nil` when there is none.
    fileprivate func modificationDate(of path: String) -> Date? {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return try? attributesOfItem(atPath: file)[.modificationDate] as? Date
    }
}
