import Foundation
import FunctionManifest
import StreamCore
import TestSupport

/// Lends a folder with a subfolder for each function, each with the given function.yaml.
func withFunctions<Result>(
    _ manifests: [String: String],
    _ body: (_ directory: String) throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        for (name, yaml) in manifests {
            let folder = "\(directory)/\(name)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(yaml.utf8).write(to: URL(fileURLWithPath: "\(folder)/function.yaml"))
        }
        return try body(directory)
    }
}

/// Reads one function.yaml in a folder called `orders`.
func load(_ yaml: String, names: ResourceNames = ResourceNames()) async throws -> FunctionDefinition {
    try await withFunctions(["orders": yaml]) {
        try FunctionManifest.load(directory: "\($0)/orders", names: names)
    }
}

/// What is wrong with one function.yaml, as `line:column: message`.
func problems(of yaml: String, names: ResourceNames = ResourceNames()) async throws -> [String] {
    do {
        _ = try await load(yaml, names: names)
        return []
    } catch let error as InvalidManifests {
        return error.problems.map { problem in
            let place = problem.place.map { "\($0.line):\($0.column): " } ?? ""
            return "\(place)\(problem.message)"
        }
    }
}
