import Foundation
import StreamCore
import Yams

/// Reads the Properties of a SAM `AWS::Serverless::Function` into a definition.
struct FunctionProperties {
    /// `nil` when anything is wrong.
    let definition: FunctionDefinition?
    let name: FunctionName?
    let namePlace: ManifestProblem.Place?

    /// - Parameters:
    ///   - directory: The folder of the file: names the function by default, and `CodeUri` is relative to it.
    ///   - names: Of the host; an ARN that differs is refused.
    /// - Returns: `nil` when the file is not one YAML map. Like everything else that is wrong, the log tells.
    init?(yaml: String, directory: String, names: ResourceNames, log: ProblemLog) {
        guard let document = Self.document(in: yaml, log: log),
            let properties = Self.properties(in: document, log: log),
            let map = ManifestMap(properties, named: "the function", keys: Self.keys, log: log)
        else { return nil }
        let folder = URL(fileURLWithPath: directory).standardizedFileURL

        name = Self.name(in: map, folder: folder)
        namePlace = map.place(of: "FunctionName")
        map.require("Runtime", of: "the function")
        let runtime = Self.runtime(in: map)
        let handler = Self.handler(in: map, runtime: runtime)
        let code = Self.codeDirectory(in: map, folder: folder)
        let timeout = map.integer("Timeout", in: 1...900)
        let memory = map.integer("MemorySize", in: 128...10_240)
        let concurrency = map.integer("ReservedConcurrentExecutions", in: 1...1000)
        let environment = EnvironmentProperties.variables(in: map)
        let sources = EventProperties.sources(in: map, names: names)
        _ = map.text("Description", maximumLength: 256)

        guard log.problems.isEmpty, let name, let runtime, let handler, let code else {
            definition = nil
            return
        }
        definition = FunctionDefinition(
            name: name,
            runtime: runtime,
            handler: handler,
            codeDirectory: code,
            timeoutSeconds: timeout ?? 3,
            memoryMegabytes: memory ?? 128,
            environment: environment,
            concurrencyLimit: concurrency ?? FunctionDefinition.defaultConcurrencyLimit,
            eventSources: sources
        )
    }

    private static func document(in yaml: String, log: ProblemLog) -> Node? {
        do {
            if let node = try compose(yaml: yaml) { return node }
            log.add(at: nil, "the file is empty")
        } catch let error as YamlError {
            log.add(error, in: yaml)
        } catch {
            log.add(at: nil, "\(error)")
        }
        return nil
    }

    /// The document is either the Properties themselves or a resource of a template that holds them.
    private static func properties(in document: Node, log: ProblemLog) -> Node? {
        guard case .mapping(let mapping) = document, mapping["Type"] ?? mapping["Properties"] != nil else {
            return document
        }
        guard let map = ManifestMap(document, named: "the resource", keys: resourceKeys, log: log) else {
            return nil
        }
        map.require("Type", of: "the resource")
        map.require("Properties", of: "the resource")
        if let type = map.text("Type"), type != resourceType {
            let _: String? = map.refuse("Type", "it must be \(resourceType)")
        }
        return map["Properties"]
    }

    private static func name(in map: ManifestMap, folder: URL) -> FunctionName? {
        let rule = "a function's name has 1–64 of a-z A-Z 0-9 - _"
        guard map.has("FunctionName") else {
            if let name = FunctionName(folder.lastPathComponent) { return name }
            map.log.add(
                at: map.node,
                "the folder's name \"\(folder.lastPathComponent)\" names no function: \(rule)"
            )
            return nil
        }
        guard let text = map.text("FunctionName") else { return nil }
        return FunctionName(text) ?? map.refuse("FunctionName", rule)
    }

    private static func runtime(in map: ManifestMap) -> Runtime? {
        guard let text = map.text("Runtime") else { return nil }
        if let runtime = Runtime(name: text) { return runtime }
        let hint = NearestName.hint(for: text, among: fixedRuntimes)
        let supported = "\(fixedRuntimes.joined(separator: ", ")) and python3.N"
        return map.refuse("Runtime", "this version supports \(supported)\(hint)")
    }

    private static let fixedRuntimes = ["provided", "provided.al2", "provided.al2023", "swift-plugin"]

    private static func handler(in map: ManifestMap, runtime: Runtime?) -> String? {
        let text = map.text("Handler", maximumLength: 128)
        switch runtime {
        case .python(let runtime):
            map.require("Handler", of: "runtime \(runtime)")
            guard let text else { return nil }
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            let isValid = parts.count > 1 && !parts.contains("") && !text.contains(" ")
            return isValid ? text : map.refuse("Handler", "it must name module.function")
        case .swiftPlugin:
            map.require("Handler", of: "runtime swift-plugin")
            guard let text else { return nil }
            return text.contains("/")
                ? map.refuse("Handler", "it must be the library's name, without a path") : text
        case .provided, nil:
            // A custom runtime reads its handler from the environment, if at all.
            return text ?? "bootstrap"
        }
    }

    private static func codeDirectory(in map: ManifestMap, folder: URL) -> String? {
        let text = map.has("CodeUri") ? map.text("CodeUri", maximumLength: 4096) : "."
        guard let text else { return nil }
        let path = URL(
            fileURLWithPath: text,
            relativeTo: folder.appendingPathComponent("", isDirectory: true)
        )
        .standardizedFileURL.path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
        else {
            return map.refuse("CodeUri", "there is no folder \(path)")
        }
        return path
    }
}

extension ProblemLog {
    /// Reports why a file is no YAML.
    fileprivate func add(_ error: YamlError, in yaml: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            add(at: ManifestProblem.Place(mark), "not valid YAML: \(problem)")
        case .reader(let problem, _, _, _):
            add(at: nil, "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            addDuplicates(in: yaml, keys: keys, firstPlace: ManifestProblem.Place(context.mark))
        default:
            add(at: nil, "not valid YAML: \(error)")
        }
    }

    private func addDuplicates(in yaml: String, keys: [String], firstPlace: ManifestProblem.Place) {
        let repetitions = DuplicateKeys(in: yaml).repetitions
        for repetition in repetitions {
            add(at: repetition.place, "\(repetition.key) stands in line \(repetition.firstLine) already")
        }
        guard repetitions.isEmpty else { return }
        let verb = keys.count == 1 ? "appears" : "appear"
        add(at: firstPlace, "\(keys.joined(separator: ", ")) \(verb) more than once")
    }
}
