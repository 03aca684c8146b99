import StreamCore

/// The settings of a function as a request gives them; `nil` where it is silent.
struct FunctionOptions: Decodable {
    struct Environment: Decodable { let variables: [String: String]? }

    let runtime: String?
    let role: String?
    let handler: String?
    let description: String?
    let timeout: Int?
    let memorySize: Int?
    let environment: Environment?

    // What works on Lambda and not here, or in one way only.
    let packageType: String?
    let architectures: [String]?
    let tracingConfig: JSONValue?
    let ephemeralStorage: JSONValue?
    let snapStart: JSONValue?
    let loggingConfig: JSONValue?
    let vpcConfig: JSONValue?
    let deadLetterConfig: JSONValue?
    let kMSKeyArn: JSONValue?
    let layers: JSONValue?
    let fileSystemConfigs: JSONValue?
    let imageConfig: JSONValue?
    let codeSigningConfigArn: JSONValue?
    let capacityProviderConfig: JSONValue?
    let publishTo: JSONValue?
    let durableConfig: JSONValue?
    let tenancyConfig: JSONValue?

    static let ephemeralMegabytes = 512
    static let supportedRuntimes = [
        "provided", "provided.al2", "provided.al2023", "python3.N", "swift-plugin",
    ]

    #if arch(arm64)
        static let architecture = "arm64"
    #else
        static let architecture = "x86_64"
    #endif

    static func logGroup(of function: FunctionName) -> String { "/aws/lambda/\(function)" }
}

extension FunctionOptions {
    /// Every option by itself; what is asked for and does not work here is refused by its name.
    func check(for function: FunctionName) throws(LambdaError) {
        try refuseUnsupported(for: function)
        var checks = RequestChecks()
        checks.number(timeout, at: "timeout", in: 1...900)
        checks.number(memorySize, at: "memorySize", in: 128...10_240)
        checks.text(description, at: "description", length: 0...256)
        checks.text(handler, at: "handler", length: 0...128)
        checks.pattern(handler, at: "handler", #"[^\s]+"#) { text in
            !text.isEmpty && !text.unicodeScalars.contains { $0.properties.isWhitespace }
        }
        checks.pattern(
            role,
            at: "role",
            #"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#,
            Self.isRole
        )
        for name in (environment?.variables ?? [:]).keys.sorted() {
            checks.pattern(name, at: "environment.variables", "[a-zA-Z]([a-zA-Z0-9_])+", Self.isVariable)
        }
        try checks.finish()
        if let runtime, Runtime(name: runtime) == nil {
            throw .invalid(
                "Value \(runtime) at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
                    + "[\(Self.supportedRuntimes.joined(separator: ", "))]"
            )
        }
        try checkEnvironment()
    }

    private func refuseUnsupported(for function: FunctionName) throws(LambdaError) {
        guard packageType ?? "Zip" == "Zip" else { throw .unsupported("PackageType \(packageType ?? "")") }
        guard architectures.map({ $0 == [Self.architecture] || $0.isEmpty }) ?? true else {
            throw .unsupported(
                "Architectures [\((architectures ?? []).joined(separator: ", "))]",
                "this machine is \(Self.architecture)"
            )
        }
        try accept(tracingConfig, "TracingConfig", only: ["Mode": .text("PassThrough")])
        try accept(
            ephemeralStorage,
            "EphemeralStorage",
            only: ["Size": .number(Double(Self.ephemeralMegabytes))]
        )
        try accept(snapStart, "SnapStart", only: ["ApplyOn": .text("None")])
        try accept(
            loggingConfig,
            "LoggingConfig",
            only: ["LogFormat": .text("Text"), "LogGroup": .text(Self.logGroup(of: function))]
        )
        let others = [
            ("VpcConfig", vpcConfig), ("DeadLetterConfig", deadLetterConfig), ("KMSKeyArn", kMSKeyArn),
            ("Layers", layers), ("FileSystemConfigs", fileSystemConfigs), ("ImageConfig", imageConfig),
            ("CodeSigningConfigArn", codeSigningConfigArn),
            ("CapacityProviderConfig", capacityProviderConfig),
            ("PublishTo", publishTo), ("DurableConfig", durableConfig), ("TenancyConfig", tenancyConfig),
        ]
        for (name, value) in others { try accept(value, name, only: [:]) }
    }

    /// Takes an option that asks for nothing, or for what is so anyway.
    private func accept(_ value: JSONValue?, _ name: String, only usual: [String: JSONValue])
        throws(LambdaError)
    {
        guard let value, !value.isNothing else { return }
        guard case .object(let members) = value else { throw .unsupported(name) }
        for (member, wanted) in members.sorted(by: { $0.key < $1.key }) {
            guard !wanted.isNothing, usual[member] != wanted else { continue }
            throw .unsupported("\(name).\(member)", usual[member].map { "it can only be \($0.shown)" } ?? "")
        }
    }
}

// MARK: - Environment and texts

extension FunctionOptions {
    private static let maximumEnvironmentBytes = 4_096
    private static let reserved: Set<String> = [
        "_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    ]

    private func checkEnvironment() throws(LambdaError) {
        let variables = environment?.variables ?? [:]
        let reserved = variables.keys.filter { Self.reserved.contains($0) || $0.hasPrefix("AWS_LAMBDA_") }
        let beginning =
            "Lambda was unable to configure your environment variables because the environment variables you have "
            + "provided "
        guard reserved.isEmpty else {
            throw .invalid(
                "\(beginning)contains reserved keys that are currently not supported for modification. "
                    + "Reserved keys used in this request: \(reserved.sorted().joined(separator: ", "))"
            )
        }
        let bytes = variables.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard bytes <= Self.maximumEnvironmentBytes else {
            throw .invalid(
                "\(beginning)exceeded the 4KB limit: names and values have \(bytes) bytes together."
            )
        }
        if let name = variables.first(where: { $0.value.utf8.contains(0) })?.key {
            throw .invalid("\(beginning)contains a zero byte in \(name).")
        }
    }

    private static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first), name.utf8.count > 1 else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isRole(_ text: String) -> Bool {
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, fields[0] == "arn", fields[1].isEmpty || fields[1].hasPrefix("aws"),
            fields[2] == "iam", fields[3].isEmpty, fields[4].utf8.count == 12,
            fields[4].utf8.allSatisfy(isDigit), fields[5].hasPrefix("role")
        else { return false }
        let name = fields[5].dropFirst("role".count)
        return !name.isEmpty
            && name.utf8.allSatisfy { isLetter($0) || isDigit($0) || "+=,.@-_/".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}

extension JSONValue {
    fileprivate var shown: String {
        switch self {
        case .text(let text): text
        case .number(let number): number == number.rounded() ? String(Int(number)) : String(number)
        case .bool(let value): String(value)
        case .null, .list, .object: "absent"
        }
    }
}
