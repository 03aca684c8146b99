import Foundation

/// Where the benchmark works, and the programs it starts.
struct BenchWorkspace: Sendable {
    let folder: String
    let millrace: String
    let python: String

    init(folder: String, millrace: String, python: String) throws {
        self.folder = URL(fileURLWithPath: folder).path
        self.millrace = millrace
        // Not resolved further: a virtual environment is known by the path of its link.
        self.python = URL(fileURLWithPath: python).path
        try? FileManager.default.removeItem(atPath: self.folder)
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    }

    /// A path of this name with nothing there.
    func fresh(_ name: String) throws -> String {
        let path = folder + "/" + name
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        return path
    }

    func freshFolder(_ name: String) throws -> String {
        let path = try fresh(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    func remove() throws {
        try FileManager.default.removeItem(atPath: folder)
    }
}

/// The functions that are measured, each on its own kind of transport.
enum BenchFunction: String, CaseIterable, Sendable {
    case plugin
    case bootstrap
    case python
    /// Writes down what it is handed.
    case journal

    /// Those whose rate is measured.
    static let measured: [BenchFunction] = [.plugin, .bootstrap, .python]

    var title: String {
        switch self {
        case .plugin: "Swift plugin"
        case .bootstrap: "custom-runtime bootstrap"
        case .python: "awslambdaric, counting"
        case .journal: "Swift plugin, writing a journal"
        }
    }

    /// Records per second that this path is to reach; `nil` when it is measured against a baseline.
    var goal: Int? {
        switch self {
        case .plugin: 3_000_000
        case .bootstrap: 700_000
        case .python, .journal: nil
        }
    }

    private var runtime: String {
        switch self {
        case .plugin, .journal: "swift-plugin"
        case .bootstrap: "provided.al2023"
        case .python: "python3.12"
        }
    }

    private var handler: String {
        switch self {
        case .plugin: "CountingPlugin"
        case .bootstrap: "bootstrap"
        case .python: "handler.handler"
        case .journal: "JournalPlugin"
        }
    }

    /// What was built for it, and the name that it needs in a function's folder.
    private var code: (built: String, name: String) {
        let sources = "Sources/millrace-bench/Functions"
        switch self {
        case .plugin: return ("\(sources)/plugin/.build/release/libCountingPlugin.so", "libCountingPlugin.so")
        case .bootstrap: return (".build/bench/bootstrap", "bootstrap")
        case .python: return ("\(sources)/python/handler.py", "handler.py")
        case .journal: return ("\(sources)/plugin/.build/release/libJournalPlugin.so", "libJournalPlugin.so")
        }
    }

    /// Lays the function out in a folder of functions.
    ///
    /// - Parameter options: More settings of its event source, by their names in function.yaml.
    func install(
        in functions: String,
        batchSize: Int,
        environment: [String: String] = [:],
        options: [String: String] = [:]
    ) throws {
        let folder = "\(functions)/\(rawValue)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let code = code
        try FileManager.default.copyItem(atPath: code.built, toPath: "\(folder)/\(code.name)")
        let settings = options.map { "\n      \($0): \($1)" }.joined()
        let variables = environment.map { "    \($0): \($1)\n" }.joined()
        try """
        FunctionName: bench-\(rawValue)
        Runtime: \(runtime)
        Handler: \(handler)
        Timeout: 60
        MemorySize: 512
        \(variables.isEmpty ? "" : "Environment:\n  Variables:\n\(variables)")\
        Events:
          Records:
            Type: Kinesis
            Properties:
              Stream: \(LogBench.stream)
              StartingPosition: TRIM_HORIZON
              BatchSize: \(batchSize)\(settings)
        """.write(toFile: "\(folder)/function.yaml", atomically: true, encoding: .utf8)
    }
}
