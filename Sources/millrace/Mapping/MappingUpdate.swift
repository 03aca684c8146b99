import ArgumentParser

struct MappingUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Changes settings of a mapping; those that are not named stay as they are.",
        discussion: "Reading goes on from the checkpoints, so where it starts cannot be changed."
    )

    @Argument(help: "\(MappingReference.help)")
    var mapping: String

    @Option(help: "Another function to run: its name, NAME:QUALIFIER or ARN.")
    var functionName: String?

    @OptionGroup(title: "Settings") var options: MappingOptions

    @OptionGroup var wait: MappingWait

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard !fields.isEmpty else {
            throw ValidationError("name a setting to change, such as --batch-size 500")
        }
    }

    func run() async throws {
        let client = try host.client()
        let id = try await client.mappingID(named: mapping)
        try await client.update(id, fields, wait)
    }

    /// The fields of a request to Lambda's API.
    var fields: [String: Any] {
        var fields = options.fields
        fields["FunctionName"] = functionName
        return fields
    }
}

extension HostClient {
    /// Changes a mapping and says what state it is in then.
    func update(_ id: String, _ fields: [String: Any], _ wait: MappingWait) async throws {
        try await lambda("PUT", "event-source-mappings/\(id)", json: fields)
        let state = try await wait.settledState(of: id, self)
        printError("mapping \(id) is \(state ?? "gone")")
    }
}
