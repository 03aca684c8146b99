/// A function as it is registered: the user's code and settings, and the streams that trigger it.
package struct FunctionDefinition: Hashable, Sendable, Codable {
    package let name: FunctionName
    package let runtime: Runtime
    /// `module.function` for Python, the library's name for a Swift plugin, unused by a custom runtime.
    package let handler: String
    /// Absolute path of the folder with the code.
    package let codeDirectory: String
    /// 1–900 s, default 3.
    package let timeoutSeconds: Int
    /// 128–10,240 MB, default 128.
    ///
    /// A hard limit of the process's writable memory.
    package let memoryMegabytes: Int
    package let environment: [String: String]
    /// Most processes at a time: 1–1,000.
    package let concurrencyLimit: Int
    package let eventSources: [EventSource]

    package init(
        name: FunctionName,
        runtime: Runtime,
        handler: String,
        codeDirectory: String,
        timeoutSeconds: Int = 3,
        memoryMegabytes: Int = 128,
        environment: [String: String] = [:],
        concurrencyLimit: Int = FunctionDefinition.defaultConcurrencyLimit,
        eventSources: [EventSource] = []
    ) {
        self.name = name
        self.runtime = runtime
        self.handler = handler
        self.codeDirectory = codeDirectory
        self.timeoutSeconds = timeoutSeconds
        self.memoryMegabytes = memoryMegabytes
        self.environment = environment
        self.concurrencyLimit = concurrencyLimit
        self.eventSources = eventSources
    }

    package static let defaultConcurrencyLimit = 10

    package var timeout: Duration { .seconds(timeoutSeconds) }
}

/// What runs a function's code.
package enum Runtime: Hashable, Sendable {
    /// `provided…`: the executable `bootstrap`, speaking Lambda's Runtime API.
    case provided(String)
    /// `python3…`: awslambdaric with the host's Python, speaking Lambda's Runtime API.
    case python(String)
    /// `swift-plugin`: a dynamic library that imports MillraceFunction.
    case swiftPlugin

    /// The names of function.yaml.
    package init?(name: String) {
        if name == "swift-plugin" {
            self = .swiftPlugin
        } else if ["provided", "provided.al2", "provided.al2023"].contains(name) {
            self = .provided(name)
        } else if name.hasPrefix("python3."), let minor = Int(name.dropFirst("python3.".count)), minor > 0 {
            self = .python(name)
        } else {
            return nil
        }
    }

    package var name: String {
        switch self {
        case .provided(let name), .python(let name): name
        case .swiftPlugin: "swift-plugin"
        }
    }
}

extension Runtime: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let runtime = Runtime(name: name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a runtime: \(name)")
        }
        self = runtime
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// "Run this function for that stream", with its settings, as a function's definition states it.
package struct EventSource: Hashable, Sendable, Codable {
    package let stream: StreamName
    package let startingPosition: StartingPosition
    /// Most records in one invocation: 1–10,000, default 100.
    package let batchSize: Int
    /// The longest a partial batch waits for more records: 0–300 s, default 0 (send at once).
    package let batchWindowSeconds: Int
    package let isEnabled: Bool

    package init(
        stream: StreamName,
        startingPosition: StartingPosition,
        batchSize: Int = 100,
        batchWindowSeconds: Int = 0,
        isEnabled: Bool = true
    ) {
        self.stream = stream
        self.startingPosition = startingPosition
        self.batchSize = batchSize
        self.batchWindowSeconds = batchWindowSeconds
        self.isEnabled = isEnabled
    }

    package var batchWindow: Duration { .seconds(batchWindowSeconds) }
}

/// An event source mapping: a function's event source with the identity under which its checkpoints are kept.
package struct EventSourceMapping: Hashable, Sendable, Codable {
    package let id: MappingID
    package let function: FunctionName
    package let source: EventSource

    package init(id: MappingID, function: FunctionName, source: EventSource) {
        self.id = id
        self.function = function
        self.source = source
    }
}

/// A function as the registry keeps it, with the mappings that trigger it: one thing to run.
package struct RegisteredFunction: Hashable, Sendable {
    package let definition: FunctionDefinition
    /// When the definition last changed, or its code was registered anew.
    package let lastModified: Timestamp
    /// In order of their streams.
    package let mappings: [EventSourceMapping]

    package init(definition: FunctionDefinition, lastModified: Timestamp, mappings: [EventSourceMapping]) {
        self.definition = definition
        self.lastModified = lastModified
        self.mappings = mappings
    }
}
