import Foundation
package import StreamCore

/// Reads functions as they lie on disk: a folder with a `function.yaml` that holds the Properties of a SAM
/// `AWS::Serverless::Function`, in its own words.
package enum FunctionManifest {
    package static let fileName = "function.yaml"

    /// Reads the function of one folder.
    ///
    /// - Parameter names: Of the host; the ARN of a stream in another region or account is refused.
    /// - Throws: `InvalidManifests` with everything that is wrong.
    package static func load(
        directory: String,
        names: ResourceNames = ResourceNames()
    ) throws -> FunctionDefinition {
        let reading = Reading(directory: directory, names: names)
        guard let definition = reading.definition, reading.problems.isEmpty else {
            throw InvalidManifests(problems: reading.problems)
        }
        return definition
    }

    /// Reads the function of each folder in `directory` that has a `function.yaml`, by name of the folder.
    ///
    /// - Parameter names: Of the host; the ARN of a stream in another region or account is refused.
    /// - Throws: `InvalidManifests` with everything that is wrong in any of them, or when there is none.
    package static func loadAll(
        in directory: String,
        names: ResourceNames = ResourceNames()
    ) throws -> [FunctionDefinition] {
        let readings = try folders(in: directory).map { Reading(directory: $0, names: names) }
        guard !readings.isEmpty else { throw InvalidManifests(problems: [noFunction(in: directory)]) }
        let problems = readings.flatMap(\.problems) + sameNames(in: readings)
        guard problems.isEmpty else { throw InvalidManifests(problems: problems) }
        return readings.compactMap(\.definition)
    }

    /// Reads the functions and streams of a SAM template.
    ///
    /// - Parameter names: Of the host; an ARN that differs is refused, and pseudo parameters stand for them.
    /// - Throws: `InvalidManifests` with everything that is wrong, or cannot be carried out and is not to be left out.
    package static func loadTemplate(
        file: String,
        options: TemplateOptions = TemplateOptions(),
        names: ResourceNames = ResourceNames()
    ) throws -> SAMTemplate {
        let reading = TemplateReading(file: file, options: options, names: names)
        guard reading.log.problems.isEmpty else { throw InvalidManifests(problems: reading.log.problems) }
        guard !reading.functions.isEmpty else {
            let problem = ManifestProblem(file: file, place: nil, message: "the template has no function")
            throw InvalidManifests(problems: [problem])
        }
        return SAMTemplate(
            functions: reading.functions,
            streams: reading.streams,
            leftOut: reading.leftOut.sorted { ($0.place ?? .start) < ($1.place ?? .start) }
        )
    }

    private static func folders(in directory: String) throws -> [String] {
        do {
            return try entries(of: directory)
                .filter { FileManager.default.fileExists(atPath: path(of: $0)) }
        } catch {
            let message = "the folder of functions cannot be read: \(error.localizedDescription)"
            throw InvalidManifests(problems: [ManifestProblem(file: directory, place: nil, message: message)])
        }
    }

    /// The paths of what a folder holds, in order.
    private static func entries(of directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            .map { URL(fileURLWithPath: directory).appendingPathComponent($0).path }
    }

    /// A folder without a function is more likely the wrong folder, or has a file under the wrong name.
    private static func noFunction(in directory: String) -> ManifestProblem {
        var message = "no subfolder has a \(fileName)"
        let folders = (try? entries(of: directory)) ?? []
        if FileManager.default.fileExists(atPath: path(of: directory)) {
            let parent = URL(fileURLWithPath: directory).standardizedFileURL.deletingLastPathComponent().path
            message += "; it has one itself: name its parent \(parent)"
        }
        for file in folders.flatMap({ (try? entries(of: $0)) ?? [] }) where isNearMiss(file) {
            message += "; \(file) must be called \(fileName)"
        }
        return ManifestProblem(file: directory, place: nil, message: message)
    }

    private static func isNearMiss(_ file: String) -> Bool {
        let url = URL(fileURLWithPath: file)
        return ["yaml", "yml"].contains(url.pathExtension.lowercased())
            && NearestName.of(url.lastPathComponent, among: [fileName]) != nil
    }

    private static func sameNames(in readings: [Reading]) -> [ManifestProblem] {
        var files: [FunctionName: String] = [:]
        return readings.compactMap { reading in
            guard let name = reading.name else { return nil }
            guard let first = files[name] else {
                files[name] = reading.file
                return nil
            }
            let message = "function \(name) is defined in \(first) already"
            return ManifestProblem(file: reading.file, place: reading.namePlace, message: message)
        }
    }

    fileprivate static func path(of directory: String) -> String {
        URL(fileURLWithPath: directory).appendingPathComponent(fileName).path
    }
}

/// What became of one file.
private struct Reading {
    let file: String
    let definition: FunctionDefinition?
    let problems: [ManifestProblem]
    /// Known even when something else in the file is wrong.
    let name: FunctionName?
    let namePlace: ManifestProblem.Place?

    init(directory: String, names: ResourceNames) {
        file = FunctionManifest.path(of: directory)
        let log = ProblemLog(file: file)
        let folder = URL(fileURLWithPath: directory).standardizedFileURL
        let properties = ManifestFile.text(of: file, log: log)
            .flatMap { ManifestDocument.node(in: $0, log: log) }
            .flatMap { ManifestDocument.properties(in: $0, log: log) }
            .flatMap { node in
                let name = FunctionProperties.DefaultName(
                    text: folder.lastPathComponent,
                    origin: "the folder's name"
                )
                return FunctionProperties(node, defaultName: name, folder: folder, names: names, log: log)
            }
        definition = properties?.definition
        name = properties?.name
        namePlace = properties?.namePlace
        problems = log.problems
    }
}
