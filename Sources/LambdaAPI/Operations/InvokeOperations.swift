import ByteCoding
import Foundation
import StreamCore

extension LambdaService {
    /// The payload of an invocation that nobody waits for.
    private static let eventBytes = 1024 * 1024

    func invokeFunction(_ call: LambdaCall, _ request: LambdaRequest) async throws -> LambdaAnswer {
        let type = request.headers["x-amz-invocation-type"] ?? "RequestResponse"
        let logType = request.headers["x-amz-log-type"] ?? "None"
        var checks = RequestChecks()
        checks.oneOf(["Event", "RequestResponse", "DryRun"], type, at: "invocationType")
        checks.oneOf(["None", "Tail"], logType, at: "logType")
        try checks.finish()
        for option in ["X-Amz-Tenant-Id", "X-Amz-Durable-Execution-Name"]
        where request.headers[option.lowercased()] != nil { throw LambdaError.unsupported(option) }
        let reference = try reference(call)
        let function = try await function(reference)
        guard function.definition(for: reference.qualifier) != nil else {
            throw LambdaError.notFound(function: names.function(reference.name, reference.qualifier))
        }
        let invocation = try makeInvocation(request, reference)
        guard type != "DryRun" else { return LambdaAnswer(status: 204) }
        try checkState(function)
        guard type != "Event" else {
            guard invocation.payload.count <= Self.eventBytes else {
                throw LambdaError(
                    .requestTooLarge,
                    "Request must be smaller than \(Self.eventBytes) bytes for the InvokeFunction operation"
                )
            }
            try events.accept(invocation, of: reference.name, reference.qualifier)
            return LambdaAnswer(status: 202)
        }
        try checkThrottle(function)
        let result = try await invoke(reference.name, reference.qualifier, invocation)
        return try answer(to: result, of: invocation, withLog: logType == "Tail", function)
    }

    private func makeInvocation(_ request: LambdaRequest, _ reference: FunctionReference) throws(LambdaError)
        -> PayloadInvocation
    {
        let payload = request.body.isEmpty ? Array("{}".utf8) : request.body
        do {
            _ = try JSONSerialization.jsonObject(with: Data(payload), options: .fragmentsAllowed)
        } catch {
            let detail = (error as NSError).userInfo["NSDebugDescription"] as? String ?? "it is no JSON"
            throw LambdaError(
                .invalidRequestContent,
                "Could not parse request body into json: Could not parse payload into json: \(detail)"
            )
        }
        var clientContext: String?
        if let header = request.headers["x-amz-client-context"], !header.isEmpty {
            guard let bytes = Base64.decode(header), let text = String(validating: bytes, as: UTF8.self),
                (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
            else { throw .invalid("Client context must be a valid Base64-encoded JSON object.") }
            clientContext = text
        }
        return PayloadInvocation(
            payload: payload,
            requestID: request.requestID,
            functionARN: names.function(reference.name, reference.qualifier),
            clientContext: clientContext
        )
    }

    private func checkState(_ function: RegisteredFunction) throws(LambdaError) {
        // One that has failed is tried again, and its caller is told why it does not start.
        guard function.state == .pending else { return }
        throw LambdaError(
            .resourceConflict,
            "The operation cannot be performed at this time. "
                + "The function is currently in the following state: Pending"
        )
    }

    private func checkThrottle(_ function: RegisteredFunction) throws(LambdaError) {
        guard function.reservedConcurrency != 0 else {
            throw throttled(function, "the function's reserved concurrency is 0")
        }
    }

    private func throttled(_ function: RegisteredFunction, _ reason: String) -> LambdaError {
        LambdaError(
            .tooManyRequests,
            "Rate Exceeded: \(reason)",
            reason: function.reservedConcurrency == nil
                ? "ConcurrentInvocationLimitExceeded" : "ReservedFunctionConcurrentInvocationLimitExceeded"
        )
    }

    private func answer(
        to result: PayloadResult,
        of invocation: PayloadInvocation,
        withLog: Bool,
        _ function: RegisteredFunction
    ) throws -> LambdaAnswer {
        var headers = [(name: "X-Amz-Executed-Version", value: result.executedVersion.text)]
        if withLog { headers.append(("X-Amz-Log-Result", Base64.encode(Array(result.logTail.utf8)))) }
        switch result.outcome {
        case .answered(let body): return LambdaAnswer(headers: headers, body: body)
        case .failed(_, let body):
            headers.append(("X-Amz-Function-Error", "Unhandled"))
            return LambdaAnswer(headers: headers, body: body)
        case .notInvoked(let unavailable):
            switch unavailable.kind {
            case .throttled: throw throttled(function, unavailable.reason)
            case .unsupported: throw LambdaError.invalid("\(unavailable.reason).")
            case .unavailable:
                headers.append(("X-Amz-Function-Error", "Unhandled"))
                let body = try startError(unavailable.reason, requestID: invocation.requestID)
                return LambdaAnswer(headers: headers, body: body)
            }
        }
    }

    /// Code that does not start has failed, as on Lambda: its caller gets an error of the function, not of the service.
    private func startError(_ reason: String, requestID: String) throws -> [UInt8] {
        try LambdaCodec.encodeFields([
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: \(requestID) Error: \(reason)",
        ])
    }
}
