import Foundation
import TestSupport

/// The folders of one test: the host's data, its functions, and where the functions write down what they got.
struct HostFolders {
    let root: String

    var data: String { root + "/data" }
    var functions: String { root + "/functions" }
    var output: String { root + "/output" }
    var hasFunctions: Bool {
        (try? FileManager.default.contentsOfDirectory(atPath: functions))?.isEmpty == false
    }

    /// Lends fresh folders and removes them afterwards.
    static func withFresh<Result>(_ body: (HostFolders) async throws -> Result) async throws -> Result {
        try await withTemporaryDirectory { root in
            let folders = HostFolders(root: root)
            for folder in [folders.functions, folders.output] {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            return try await body(folders)
        }
    }

    /// Adds a function that writes down every record of the stream `events`.
    func addRecorder(batchSize: Int = 100, fault: RecorderFault? = nil) throws {
        var environment = ["OUTPUT_DIRECTORY": output]
        if let fault {
            environment["FAULT"] = fault.kind.rawValue
            environment["FAULT_AT"] = fault.data
        }
        let folder = functions + "/recorder"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Repository.endToEnd.appendingPathComponent("Functions/recorder/bootstrap").path,
            toPath: folder + "/bootstrap"
        )
        let variables = environment.map { name, value in "    \(name): \"\(value)\"" }.joined(separator: "\n")
        try """
        FunctionName: recorder
        Runtime: provided.al2023
        Timeout: 900
        Environment:
          Variables:
        \(variables)
        Events:
          Records:
            Type: Kinesis
            Properties:
              Stream: events
              StartingPosition: TRIM_HORIZON
              BatchSize: \(batchSize)
        """.write(toFile: folder + "/function.yaml", atomically: true, encoding: .utf8)
    }

    /// Adds a Python function of `Tests/EndToEnd/Functions` on the stream `events`.
    ///
    /// - Parameter options: Lines of its event source's properties.
    func addPython(_ name: String, options: String) throws {
        let folder = functions + "/" + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Repository.endToEnd.appendingPathComponent("Functions/\(name)/handler.py").path,
            toPath: folder + "/handler.py"
        )
        let properties =
            (["Stream: events", "StartingPosition: TRIM_HORIZON"]
            + options.split(separator: "\n").map(String.init))
            .map { "      \($0)" }.joined(separator: "\n")
        try """
        Runtime: python3.12
        Handler: handler.handler
        Timeout: 900
        Environment:
          Variables:
            OUTPUT_DIRECTORY: \(output)
        Events:
          Records:
            Type: Kinesis
            Properties:
        \(properties)
        """.write(toFile: folder + "/function.yaml", atomically: true, encoding: .utf8)
    }

    /// Everything the recorder was given, in the order in which it wrote it down.
    func deliveries(in file: String = "deliveries.jsonl") throws -> [Delivery] {
        StreamRecord.decodeUntornLines(FileManager.default.contents(atPath: output + "/" + file) ?? Data())
    }

    /// Every record that a producer got an answer for.
    func acknowledged() throws -> [StreamRecord] {
        guard let data = FileManager.default.contents(atPath: acknowledgedFile) else { return [] }
        return try StreamRecord.decodeLines(data)
    }

    func acknowledgedCount() -> Int {
        FileManager.default.contents(atPath: acknowledgedFile)?.count { $0 == UInt8(ascii: "\n") } ?? 0
    }

    var acknowledgedFile: String { output + "/acknowledged.jsonl" }
}

/// How the recorder misbehaves, once, at the batch with a certain record.
struct RecorderFault {
    enum Kind: String {
        case killItself = "kill-itself"
        case killHost = "kill-host"
        case fail
        case wait
    }

    let kind: Kind
    /// The data of that record.
    let data: String
}
