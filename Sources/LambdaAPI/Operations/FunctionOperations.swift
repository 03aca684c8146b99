import SQLiteStore
import StreamCore

extension LambdaService {
    private struct CreateRequest: Decodable {
        let functionName: String?
        let code: CodeRequest?
        let publish: Bool?
        let tags: [String: String]?
    }

    func createFunction(_ body: [UInt8]) async throws -> LambdaAnswer {
        let views = try LambdaCodec.decode(TwoViews<CreateRequest, FunctionOptions>.self, from: body)
        let (request, options) = (views.first, views.second)
        var checks = RequestChecks()
        checks.require(request.functionName, at: "functionName")
        checks.require(request.code, at: "code")
        checks.require(options.role, at: "role")
        try checks.finish()
        let reference = try FunctionReference(request.functionName ?? "", names: names)
        guard reference.qualifier == nil else {
            throw LambdaError.invalid("A function is created without a version or an alias in its name.")
        }
        try options.check(for: reference.name)
        let runtime = try options.runtimeOfNewFunction()
        let handler = try options.checkedHandler(for: runtime)
        let tags = try TagRules.merged([:], adding: request.tags ?? [:])
        let archive = try (request.code ?? CodeRequest()).archive()

        let created = try await code.withCode(archive, of: reference.name) { stored in
            let definition = FunctionDefinition(
                name: reference.name,
                runtime: runtime,
                handler: handler,
                codeDirectory: stored.directory,
                code: stored.code,
                description: options.description ?? "",
                role: options.role,
                timeoutSeconds: options.timeout ?? 3,
                memoryMegabytes: options.memorySize ?? 128,
                environment: options.environment?.variables ?? [:]
            )
            return try await registry.create(definition, tags: tags, publish: request.publish ?? false)
        }
        if request.publish == true, let version = created.versions.last {
            return try LambdaAnswer(status: 201, configuration(version, of: created))
        }
        return try LambdaAnswer(status: 201, latest(created))
    }

    func getFunction(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Code: Encodable { let repositoryType = "Millrace" }
        struct Concurrency: Encodable { let reservedConcurrentExecutions: Int }
        struct Answer: Encodable {
            let configuration: FunctionConfiguration
            // No Location: archives are not kept once they are unpacked.
            let code = Code()
            let tags: [String: String]?
            let concurrency: Concurrency?
        }
        let reference = try reference(call)
        let function = try await function(reference)
        return try LambdaAnswer(
            Answer(
                configuration: configuration(of: function, reference.qualifier),
                tags: function.tags.isEmpty ? nil : function.tags,
                concurrency: function.reservedConcurrency.map(Concurrency.init)
            )
        )
    }

    func getFunctionConfiguration(_ call: LambdaCall) async throws -> LambdaAnswer {
        let reference = try reference(call)
        return try LambdaAnswer(configuration(of: await function(reference), reference.qualifier))
    }

    func listFunctions(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable {
            let functions: [FunctionConfiguration]
            let nextMarker: String?
        }
        let versions = call.query["FunctionVersion"]
        var checks = RequestChecks()
        checks.oneOf(["ALL"], versions, at: "functionVersion")
        try checks.finish()
        if let region = call.query["MasterRegion"], region != "ALL", region != names.region {
            return try LambdaAnswer(Answer(functions: [], nextMarker: nil))
        }
        let all = try await registry.functions().flatMap { function in
            versions == nil ? [latest(function)] : everyVersion(of: function)
        }
        let page = try Page(of: all, by: \.listingKey, query: call.query, largest: 50)
        return try LambdaAnswer(Answer(functions: page.items, nextMarker: page.nextMarker))
    }

    func deleteFunction(_ call: LambdaCall) async throws -> LambdaAnswer {
        let reference = try reference(call)
        guard let qualifier = reference.qualifier else {
            guard try await registry.remove(reference.name) else {
                throw LambdaError.notFound(function: names.function(reference.name))
            }
            return LambdaAnswer(status: 204)
        }
        guard qualifier != .latest else {
            throw LambdaError.invalid("$LATEST version cannot be deleted without deleting the function.")
        }
        guard let number = qualifier.versionNumber else {
            throw LambdaError.invalid("Deletion of aliases is not currently supported.")
        }
        _ = try await function(reference)
        // Repeating is safe, as on Lambda: a version that is not there is as good as deleted.
        _ = try await registry.removeVersion(number, of: reference.name)
        return LambdaAnswer(status: 204)
    }
}

// MARK: - Descriptions

extension LambdaService {
    func latest(_ function: RegisteredFunction) -> FunctionConfiguration {
        FunctionConfiguration(latest: function, arn: names.function(function.name))
    }

    func configuration(_ version: FunctionVersion, of function: RegisteredFunction) -> FunctionConfiguration {
        let number = FunctionQualifier(unchecked: String(version.number))
        return FunctionConfiguration(version, arn: names.function(function.name, number))
    }

    /// What runs under a qualifier; its ARN ends in the qualifier that was asked for.
    func configuration(of function: RegisteredFunction, _ qualifier: FunctionQualifier?) throws(LambdaError)
        -> FunctionConfiguration
    {
        let arn = names.function(function.name, qualifier)
        let target = function.aliases.first { $0.name == qualifier }?.version ?? qualifier
        guard let target, target != .latest else { return FunctionConfiguration(latest: function, arn: arn) }
        guard let version = function.versions.first(where: { $0.number == target.versionNumber }) else {
            throw .notFound(function: arn)
        }
        return FunctionConfiguration(version, arn: arn)
    }

    /// `$LATEST` first, under its qualified ARN, then every version.
    func everyVersion(of function: RegisteredFunction) -> [FunctionConfiguration] {
        let latest = FunctionConfiguration(latest: function, arn: names.function(function.name, .latest))
        return [latest] + function.versions.map { configuration($0, of: function) }
    }
}

extension FunctionConfiguration {
    /// Grows along a listing: by name, `$LATEST` before the versions, and these by their numbers.
    var listingKey: String {
        let digits = version == FunctionQualifier.latest.text ? "0" : version
        return "\(functionName)\u{0}\(String(repeating: "0", count: max(0, 19 - digits.count)))\(digits)"
    }
}
