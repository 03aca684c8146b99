/// A function as it is registered: the user's code and settings, and the streams that trigger it.
package struct FunctionDefinition: Hashable, Sendable {
    package let name: FunctionName
    package let runtime: Runtime
    /// `module.function` for Python, the library's name for a Swift plugin, unused by a custom runtime.
    package let handler: String
    /// Absolute path of the folder with the code.
    package let codeDirectory: String
    /// What was uploaded; `nil` for code that lies in a folder of its author's.
    package let code: UploadedCode?
    package let description: String
    /// The ARN of an execution role; it stands in events and answers, and grants nothing here.
    package let role: String?
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
    /// What its author tagged it with.
    package let tags: [String: String]

    package init(
        name: FunctionName,
        runtime: Runtime,
        handler: String,
        codeDirectory: String,
        code: UploadedCode? = nil,
        description: String = "",
        role: String? = nil,
        timeoutSeconds: Int = 3,
        memoryMegabytes: Int = 128,
        environment: [String: String] = [:],
        concurrencyLimit: Int = FunctionDefinition.defaultConcurrencyLimit,
        eventSources: [EventSource] = [],
        tags: [String: String] = [:]
    ) {
        self.name = name
        self.runtime = runtime
        self.handler = handler
        self.codeDirectory = codeDirectory
        self.code = code
        self.description = description
        self.role = role
        self.timeoutSeconds = timeoutSeconds
        self.memoryMegabytes = memoryMegabytes
        self.environment = environment
        self.concurrencyLimit = concurrencyLimit
        self.eventSources = eventSources
        self.tags = tags
    }

    package static let defaultConcurrencyLimit = 10

    package var timeout: Duration { .seconds(timeoutSeconds) }
}

extension FunctionDefinition: Codable {
    private enum CodingKeys: CodingKey {
        case name, runtime, handler, codeDirectory, code, description, role, timeoutSeconds, memoryMegabytes
        case environment, concurrencyLimit, eventSources, tags
    }

    /// What an older version stored has no description, role or tags.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(FunctionName.self, forKey: .name),
            runtime: try container.decode(Runtime.self, forKey: .runtime),
            handler: try container.decode(String.self, forKey: .handler),
            codeDirectory: try container.decode(String.self, forKey: .codeDirectory),
            code: try container.decodeIfPresent(UploadedCode.self, forKey: .code),
            description: try container.decodeIfPresent(String.self, forKey: .description) ?? "",
            role: try container.decodeIfPresent(String.self, forKey: .role),
            timeoutSeconds: try container.decode(Int.self, forKey: .timeoutSeconds),
            memoryMegabytes: try container.decode(Int.self, forKey: .memoryMegabytes),
            environment: try container.decode([String: String].self, forKey: .environment),
            concurrencyLimit: try container.decode(Int.self, forKey: .concurrencyLimit),
            eventSources: try container.decode([EventSource].self, forKey: .eventSources),
            tags: try container.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
        )
    }
}

/// A function's code as it was uploaded through Lambda's API.
package struct UploadedCode: Hashable, Sendable, Codable {
    /// Base64 of the archive's SHA-256, as Lambda answers it.
    package let sha256: String
    /// Of the archive.
    package let bytes: Int

    package init(sha256: String, bytes: Int) {
        self.sha256 = sha256
        self.bytes = bytes
    }
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
