import FunctionManifest
import ManagementAPI
import SQLiteStore
import StreamCore

/// Registers what lies in folders and templates on the host's machine, while the host runs.
struct Registration: Sendable {
    let registry: FunctionRegistry
    let names: ResourceNames
    let running: RunningMappings
    private let clock = ContinuousClock()

    /// A process has 10 s to start; many functions at once wait for one another.
    private static let longestWait = Duration.seconds(25)
    private static let pause = Duration.milliseconds(10)

    init(registry: FunctionRegistry, names: ResourceNames, running: RunningMappings) {
        self.registry = registry
        self.names = names
        self.running = running
    }

    /// Registers the function of a folder.
    ///
    /// - Throws: `RegistrationRefused` for one that is not right.
    func folder(_ directory: String) async throws -> RegisteredFunction {
        let registered = try await register {
            [try FunctionManifest.load(directory: directory, names: names)]
        }
        return registered[0]
    }

    /// Registers every function of a SAM template or, when it throws, none.
    func template(_ request: TemplateRequest) async throws -> RegisteredTemplate {
        let options = TemplateOptions(
            parameters: request.parameters,
            stackName: request.stackName,
            skipsUnsupported: request.skipsUnsupported
        )
        let template = try refusing {
            try FunctionManifest.loadTemplate(file: request.template, options: options, names: names)
        }
        return RegisteredTemplate(
            functions: try await register { template.functions },
            streams: template.streams.map { stream in
                StreamPlan(
                    name: stream.name.text,
                    shardCount: stream.shardCount,
                    retentionHours: stream.retentionHours,
                    tags: stream.tags
                )
            },
            leftOut: template.leftOut.map(\.description)
        )
    }

    /// - Returns: As many functions as `read` gives, in the same order.
    private func register(_ read: () throws -> [FunctionDefinition]) async throws -> [RegisteredFunction] {
        guard !running.isDraining else {
            throw RegistrationRefused(reasons: ["the host is shutting down"])
        }
        let definitions = try refusing(read)
        do {
            // The code may be new under an unchanged definition: that is what registering again is for.
            try await registry.register(definitions, renewingCode: true)
        } catch let error
            where error is StartingPositionIsFixed || error is DuplicateEventSource || error is MappingExists
        {
            throw RegistrationRefused(reasons: ["\(error)"])
        }
        return try await settled(definitions.map(\.name))
    }

    /// The functions once each is known to start or not, or as they are when that takes too long to wait for.
    private func settled(_ names: [FunctionName]) async throws -> [RegisteredFunction] {
        let deadline = clock.now + Self.longestWait
        while true {
            let registered = try await registry.functions()
            let functions = try names.map { name in
                guard let function = registered.first(where: { $0.name == name }) else {
                    throw RegistrationRefused(reasons: ["function \(name) was removed meanwhile"])
                }
                return function
            }
            let isSettled = functions.allSatisfy { $0.state != .pending && $0.lastUpdate != .inProgress }
            guard !isSettled, clock.now < deadline else { return functions }
            try await clock.sleep(for: Self.pause)
        }
    }

    private func refusing<Value>(_ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch let invalid as InvalidManifests {
            throw RegistrationRefused(reasons: invalid.problems.map(\.description))
        }
    }
}
