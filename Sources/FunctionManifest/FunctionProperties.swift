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
    ///   - defaultName: Names the function when it has no `FunctionName`.
    ///   - folder: `CodeUri` is relative to it.
    ///   - names: Of the host; an ARN that differs is refused.
    /// - Returns: `nil` when the node is not a map. Like everything else that is wrong, the log tells.
    init?(_ node: Node, defaultName: DefaultName, folder: URL, names: ResourceNames, log: ProblemLog) {
        guard let map = ManifestMap(node, named: "the function", keys: Self.keys, log: log) else {
            return nil
        }
        let problemsBefore = log.problems.count
        name = Self.name(in: map, default: defaultName)
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
        let description = map.text("Description", maximumLength: 256)
        let role = Self.role(in: map)
        let tags = TagProperties.tags(in: map)

        guard log.problems.count == problemsBefore, let name, let runtime, let handler, let code else {
            definition = nil
            return
        }
        definition = FunctionDefinition(
            name: name,
            runtime: runtime,
            handler: handler,
            codeDirectory: code,
            description: description ?? "",
            role: role,
            timeoutSeconds: timeout ?? 3,
            memoryMegabytes: memory ?? 128,
            environment: environment,
            concurrencyLimit: concurrency ?? FunctionDefinition.defaultConcurrencyLimit,
            eventSources: sources,
            tags: tags
        )
    }

    /// Where a function's name comes from when it is not stated.
    struct DefaultName {
        let text: String
        /// `the folder's name`.
        let origin: String
    }

    private static func name(in map: ManifestMap, default fallback: DefaultName) -> FunctionName? {
        let rule = "a function's name has 1–64 of a-z A-Z 0-9 - _"
        guard map.has("FunctionName") else {
            if let name = FunctionName(fallback.text) { return name }
            map.log.add(at: map.node, "\(fallback.origin) \"\(fallback.text)\" names no function: \(rule)")
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

    /// It stands in events and answers only, so its form is checked and nothing else.
    private static func role(in map: ManifestMap) -> String? {
        guard let text = map.text("Role", maximumLength: 512) else { return nil }
        guard text.hasPrefix("arn:aws"), text.contains(":role/") else {
            return map.refuse("Role", "it must be the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME")
        }
        return text
    }

    private static func codeDirectory(in map: ManifestMap, folder: URL) -> String? {
        let text = map.has("CodeUri") ? map.text("CodeUri", maximumLength: 4096) : "."
        guard let text else { return nil }
        guard !text.hasPrefix("s3://") else {
            return map.refuse("CodeUri", "code is read from a folder, not from S3")
        }
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
