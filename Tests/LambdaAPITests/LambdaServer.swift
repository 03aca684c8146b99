import Foundation
import Hummingbird
import LambdaAPI
import Logging
import SQLiteStore
import ServerSupport
import StreamCore
import Synchronization
import TestSupport

/// The API as a client sees it: a real registry in a temporary directory behind a real server on a free port.
///
/// In place of a host, functions start as soon as they are there; one whose handler begins with `broken` never does.
struct LambdaServer {
    let url: String
    let registry: FunctionRegistry
    let service: LambdaService

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Lends a running server.
    static func with(
        invoke: @escaping LambdaService.Invoke = echo,
        _ body: @escaping @Sendable (LambdaServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let registry = FunctionRegistry(try SQLiteDatabase(directory: directory))
            let code = FunctionCodeStore(directory: directory + "/functions")
            let clock = TestClock()
            let events = EventInvocations(invoke: invoke, clock: clock, logger: logger)
            let service = LambdaService(
                registry: registry,
                code: code,
                names: ResourceNames(),
                invoke: invoke,
                streamExists: { $0 == "flights" || $0 == "orders" },
                processingResult: { _ in nil },
                events: events,
                logger: logger
            )
            let endpoint = LambdaEndpoint(service)
            let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
                guard LambdaEndpoint.handles(request) else { return Response(status: .badGateway) }
                return try await endpoint.respond(to: request)
            }
            try await withLoopbackServer(responder) { port in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await events.run() }
                    group.addTask { try await settle(registry) }
                    let url = "http://127.0.0.1:\(port)"
                    let server = LambdaServer(url: url, registry: registry, service: service)
                    let result = await Result { try await body(server) }
                    group.cancelAll()
                    while let _ = try? await group.next() {}
                    try result.get()
                }
            }
        }
    }

    /// Does for functions and mappings what a host does.
    private static func settle(_ registry: FunctionRegistry) async throws {
        for await _ in registry.changes() {
            for function in try await registry.functions() {
                guard function.state == .pending || function.candidate != nil else { continue }
                let next = function.candidate ?? function.definition
                try await registry.settle(
                    function.name,
                    revision: function.revisionID,
                    startFailure: next.handler.hasPrefix("broken")
                        ? "the process ended with exit code 1" : nil
                )
            }
            for mapping in try await registry.mappings() where mapping.state != mapping.settledState {
                try await registry.settleMapping(mapping)
            }
        }
    }

    /// Answers the payload, or fails when it says so.
    static let echo: LambdaService.Invoke = { _, qualifier, invocation in
        let text = String(decoding: invocation.payload, as: UTF8.self)
        let outcome: PayloadResult.Outcome =
            if text.contains("fail") {
                .failed(
                    .functionError(type: "ValueError", message: "no"),
                    body: Array(#"{"errorMessage":"no","errorType":"ValueError"}"#.utf8)
                )
            } else if text.contains("busy") {
                .notInvoked(HandlerUnavailable(.throttled, reason: "10 processes are busy"))
            } else if text.contains("no start") {
                .notInvoked(HandlerUnavailable(reason: "the process ended with exit code 1"))
            } else if text.contains("plugin") {
                .notInvoked(HandlerUnavailable(.unsupported, reason: "a plugin takes no events"))
            } else {
                .answered(invocation.payload)
            }
        return PayloadResult(
            outcome,
            executedVersion: qualifier ?? .latest,
            logTail: "START RequestId: \(invocation.requestID)\n"
        )
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
