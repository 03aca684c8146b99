import Foundation
package import Logging
package import SQLiteStore
package import StreamCore

/// Lambda's API on the registry of functions and mappings, without anything of HTTP.
package struct LambdaService: Sendable {
    /// Invokes what runs under a qualifier and waits for its end.
    package typealias Invoke =
        @Sendable (FunctionName, FunctionQualifier?, PayloadInvocation) async throws -> PayloadResult

    let registry: FunctionRegistry
    let code: FunctionCodeStore
    let names: ResourceNames
    let invoke: Invoke
    let streamExists: @Sendable (StreamName) async throws -> Bool
    let processingResult: @Sendable (EventSourceMapping) async -> String?
    let events: EventInvocations
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// - Parameters:
    ///   - processingResult: How a mapping's last invocation went, in Lambda's words (`OK`, `PROBLEM: Function call failed`);
    ///     `nil` when there was none.
    ///   - events: Takes invocations that nobody waits for; somebody must `run` it.
    ///   - now: The wall clock.
    package init(
        registry: FunctionRegistry,
        code: FunctionCodeStore,
        names: ResourceNames,
        invoke: @escaping Invoke,
        streamExists: @escaping @Sendable (StreamName) async throws -> Bool,
        processingResult: @escaping @Sendable (EventSourceMapping) async -> String?,
        events: EventInvocations,
        now: @escaping @Sendable () -> Timestamp = FunctionRegistry.wallClock,
        logger: Logger
    ) {
        self.registry = registry
        self.code = code
        self.names = names
        self.invoke = invoke
        self.streamExists = streamExists
        self.processingResult = processingResult
        self.events = events
        self.now = now
        self.logger = logger
    }

    /// Carries out one call.
    package func handle(_ request: LambdaRequest) async -> LambdaAnswer {
        guard let call = LambdaCall(method: request.method, path: request.path, query: request.query) else {
            let what = "\(request.method) \(request.path)"
            return LambdaAnswer(LambdaError(.unknownOperation, "\(what) is not supported by this version."))
        }
        do {
            return try await answer(call, request)
        } catch {
            return LambdaAnswer(translate(error, of: call.operation))
        }
    }

    private func answer(_ call: LambdaCall, _ request: LambdaRequest) async throws -> LambdaAnswer {
        let body = request.body
        return switch call.operation {
        case .addPermission: try await addPermission(call)
        case .createAlias: try await createAlias(call, body)
        case .createEventSourceMapping: try await createMapping(body)
        case .createFunction: try await createFunction(body)
        case .deleteAlias: try await deleteAlias(call)
        case .deleteEventSourceMapping: try await deleteMapping(call)
        case .deleteFunction: try await deleteFunction(call)
        case .deleteFunctionConcurrency: try await deleteConcurrency(call)
        case .getAccountSettings: try await accountSettings()
        case .getAlias: try await getAlias(call)
        case .getEventSourceMapping: try await getMapping(call)
        case .getFunction: try await getFunction(call)
        case .getFunctionCodeSigningConfig: try await codeSigningConfig(call)
        case .getFunctionConcurrency: try await getConcurrency(call)
        case .getFunctionConfiguration: try await getFunctionConfiguration(call)
        case .getFunctionEventInvokeConfig: try await eventInvokeConfig(call)
        case .getFunctionRecursionConfig: try await recursionConfig(call)
        case .getFunctionUrlConfig, .getPolicy, .removePermission: try await nothing(call)
        case .getProvisionedConcurrencyConfig: try await provisionedConcurrency(call)
        case .getRuntimeManagementConfig: try await runtimeManagement(call)
        case .invoke: try await invokeFunction(call, request)
        case .listAliases: try await listAliases(call)
        case .listEventSourceMappings: try await listMappings(call)
        case .listFunctionEventInvokeConfigs: try await empty(call, list: "FunctionEventInvokeConfigs")
        case .listFunctionUrlConfigs: try await empty(call, list: "FunctionUrlConfigs")
        case .listFunctions: try await listFunctions(call)
        case .listProvisionedConcurrencyConfigs:
            try await empty(call, list: "ProvisionedConcurrencyConfigs")
        case .listTags: try await listTags(call)
        case .listVersionsByFunction: try await listVersions(call)
        case .publishVersion: try await publishVersion(call, body)
        case .putFunctionConcurrency: try await putConcurrency(call, body)
        case .tagResource: try await tagResource(call, body)
        case .untagResource: try await untagResource(call)
        case .updateAlias: try await updateAlias(call, body)
        case .updateEventSourceMapping: try await updateMapping(call, body)
        case .updateFunctionCode: try await updateCode(call, body)
        case .updateFunctionConfiguration: try await updateConfiguration(call, body)
        }
    }
}

// MARK: - What operations share

extension LambdaService {
    /// The function that the path names first, and the request's qualifier.
    func reference(_ call: LambdaCall) throws(LambdaError) -> FunctionReference {
        try FunctionReference(call.names[0], qualifier: call.query["Qualifier"], names: names)
    }

    func function(_ reference: FunctionReference) async throws -> RegisteredFunction {
        guard let function = try await registry.function(named: reference.name) else {
            throw LambdaError.notFound(function: names.function(reference.name, reference.qualifier))
        }
        return function
    }

    /// The function of an operation that knows no versions: a qualifier is refused.
    func unqualified(_ call: LambdaCall) throws(LambdaError) -> FunctionName {
        let reference = try FunctionReference(call.names[0], names: names)
        guard reference.qualifier == nil || reference.qualifier == .latest else {
            throw .invalid(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support it."
            )
        }
        return reference.name
    }
}
