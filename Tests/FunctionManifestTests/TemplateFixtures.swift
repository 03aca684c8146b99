import Foundation
import FunctionManifest
import StreamCore
import TestSupport

/// Reads a template that lies in a folder with the given subfolders of code.
func loadTemplate(
    _ yaml: String,
    code: [String] = ["src"],
    options: TemplateOptions = TemplateOptions(),
    names: ResourceNames = ResourceNames()
) async throws -> SAMTemplate {
    try await withTemporaryDirectory { directory in
        for folder in code {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(folder)",
                withIntermediateDirectories: true
            )
        }
        let file = "\(directory)/template.yaml"
        try Data(yaml.utf8).write(to: URL(fileURLWithPath: file))
        return try FunctionManifest.loadTemplate(file: file, options: options, names: names)
    }
}

/// What is wrong with a template, as `line:column: message`.
func templateProblems(of yaml: String, options: TemplateOptions = TemplateOptions()) async throws -> [String]
{
    do {
        _ = try await loadTemplate(yaml, options: options)
        return []
    } catch let error as InvalidManifests {
        return error.problems.map(\.shown)
    }
}

extension ManifestProblem {
    var shown: String { "\(place.map { "\($0.line):\($0.column): " } ?? "")\(message)" }
}
