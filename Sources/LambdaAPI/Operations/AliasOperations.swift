import SQLiteStore
import StreamCore

extension LambdaService {
    private struct AliasRequest: Decodable {
        let name: String?
        let functionVersion: String?
        let description: String?
        let revisionId: String?
        let routingConfig: JSONValue?
    }

    private struct AliasDescription: Encodable {
        let aliasArn: String
        let name: String
        let functionVersion: String
        let description: String
        let revisionId: String
    }

    func createAlias(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        let request = try LambdaCodec.decode(AliasRequest.self, from: body)
        var checks = RequestChecks()
        checks.require(request.name, at: "name")
        checks.require(request.functionVersion, at: "functionVersion")
        checks.text(request.name, at: "name", length: 1...128)
        checks.pattern(request.name, at: "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", Self.isAliasName)
        try checks.finish()
        let function = try await function(FunctionReference(name))
        let version = try checkedVersion(request, of: function)
        let alias = FunctionQualifier(unchecked: request.name ?? "")
        let created = try await registry.createAlias(
            FunctionAlias(name: alias, version: version ?? .latest, description: request.description ?? ""),
            of: name
        )
        return try LambdaAnswer(status: 201, describe(created, of: name))
    }

    func getAlias(_ call: LambdaCall) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        return try LambdaAnswer(describe(await alias(aliasName(call), of: name), of: name))
    }

    func updateAlias(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        let request = try LambdaCodec.decode(AliasRequest.self, from: body)
        let function = try await function(FunctionReference(name))
        let alias = try await alias(aliasName(call), of: name)
        let updated = try await registry.updateAlias(
            alias.name,
            of: name,
            version: checkedVersion(request, of: function),
            description: request.description,
            ifRevision: request.revisionId
        )
        return try LambdaAnswer(describe(updated, of: name))
    }

    func deleteAlias(_ call: LambdaCall) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        _ = try await function(FunctionReference(name))
        // Repeating is safe, as on Lambda.
        _ = try await registry.removeAlias(aliasName(call), of: name)
        return LambdaAnswer(status: 204)
    }

    func listAliases(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable {
            let aliases: [AliasDescription]
            let nextMarker: String?
        }
        let name = try unqualified(call)
        let version = call.query["FunctionVersion"]
        let aliases = try await function(FunctionReference(name)).aliases
            .filter { version == nil || $0.version.text == version }
        let page = try Page(of: aliases, by: \.name.text, query: call.query, largest: 50)
        return try LambdaAnswer(
            Answer(aliases: page.items.map { describe($0, of: name) }, nextMarker: page.nextMarker)
        )
    }

    private func aliasName(_ call: LambdaCall) throws(LambdaError) -> FunctionQualifier {
        var checks = RequestChecks()
        checks.pattern(call.names[1], at: "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", Self.isAliasName)
        try checks.finish()
        return FunctionQualifier(unchecked: call.names[1])
    }

    private func alias(_ alias: FunctionQualifier, of name: FunctionName) async throws -> FunctionAlias {
        let function = try await function(FunctionReference(name))
        guard let found = function.aliases.first(where: { $0.name == alias }) else {
            throw LambdaError(.resourceNotFound, "Cannot find alias arn: \(names.function(name, alias))")
        }
        return found
    }

    /// The version that the alias shall stand for; `nil` when the request names none.
    private func checkedVersion(_ request: AliasRequest, of function: RegisteredFunction) throws(LambdaError)
        -> FunctionQualifier?
    {
        var checks = RequestChecks()
        checks.text(request.description, at: "description", length: 0...256)
        checks.pattern(request.functionVersion, at: "functionVersion", #"(\$LATEST(\.PUBLISHED)?|[0-9]+)"#) {
            FunctionQualifier($0).map { $0 == .latest || $0.versionNumber != nil } ?? false
        }
        try checks.finish()
        if let weights = request.routingConfig?["AdditionalVersionWeights"], !weights.isNothing {
            throw .unsupported(
                "RoutingConfig.AdditionalVersionWeights",
                "an alias stands for one version, so that all records of a key meet the same code"
            )
        }
        guard let version = request.functionVersion.flatMap({ FunctionQualifier($0) }) else { return nil }
        guard function.definition(for: version) != nil else {
            throw .notFound(function: names.function(function.name, version))
        }
        return version
    }

    private func describe(_ alias: FunctionAlias, of name: FunctionName) -> AliasDescription {
        AliasDescription(
            aliasArn: names.function(name, alias.name),
            name: alias.name.text,
            functionVersion: alias.version.text,
            description: alias.description,
            revisionId: alias.revisionID
        )
    }

    private static func isAliasName(_ text: String) -> Bool {
        guard let name = FunctionQualifier(text), name != .latest else { return false }
        return !text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
