import SQLiteStore
import StreamCore

extension LambdaService {
    private struct RevisionRequest: Decodable { let revisionId: String? }

    func updateConfiguration(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        let revision = try LambdaCodec.decode(RevisionRequest.self, from: body).revisionId
        let options = try LambdaCodec.decode(FunctionOptions.self, from: body)
        try options.check(for: name)
        let updated = try await registry.update(name, ifRevision: revision, publish: false) { definition in
            try definition.with(options)
        }
        return try LambdaAnswer(latest(updated))
    }
}

extension FunctionOptions {
    func runtimeOfNewFunction() throws(LambdaError) -> Runtime {
        guard let runtime = runtime.flatMap(Runtime.init(name:)), handler != nil else {
            throw .invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        }
        return runtime
    }

    /// The handler of the request, in the form that the runtime needs.
    func checkedHandler(for runtime: Runtime, former: String = "") throws(LambdaError) -> String {
        let handler = handler ?? former
        switch runtime {
        case .provided: break
        case .python:
            let parts = handler.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count > 1, !parts.contains("") else {
                throw .invalid(
                    "Handler \(handler) must name module.function for the runtime \(runtime.name)."
                )
            }
        case .swiftPlugin:
            guard !handler.contains("/") else {
                throw .invalid("Handler \(handler) must be the library's name, without a path.")
            }
        }
        return handler
    }
}

extension FunctionDefinition {
    /// The same function with other code.
    func with(_ stored: StoredCode) -> FunctionDefinition {
        FunctionDefinition(
            name: name,
            runtime: runtime,
            handler: handler,
            codeDirectory: stored.directory,
            code: stored.code,
            description: description,
            role: role,
            timeoutSeconds: timeoutSeconds,
            memoryMegabytes: memoryMegabytes,
            environment: environment,
            concurrencyLimit: concurrencyLimit,
            eventSources: eventSources
        )
    }

    /// The same function with the settings that a request names.
    func with(_ options: FunctionOptions) throws(LambdaError) -> FunctionDefinition {
        let runtime = options.runtime.flatMap(Runtime.init(name:)) ?? runtime
        return FunctionDefinition(
            name: name,
            runtime: runtime,
            handler: try options.checkedHandler(for: runtime, former: handler),
            codeDirectory: codeDirectory,
            code: code,
            description: options.description ?? description,
            role: options.role ?? role,
            timeoutSeconds: options.timeout ?? timeoutSeconds,
            memoryMegabytes: options.memorySize ?? memoryMegabytes,
            environment: options.environment.map { $0.variables ?? [:] } ?? environment,
            concurrencyLimit: concurrencyLimit,
            eventSources: eventSources
        )
    }
}
