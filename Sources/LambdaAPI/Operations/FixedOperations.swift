import StreamCore

/// What deployment tools ask about every function, and what is the same for all of them here.
extension LambdaService {
    func codeSigningConfig(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable {
            let codeSigningConfigArn = ""
            let functionName: String
        }
        return try LambdaAnswer(Answer(functionName: try await known(call).name.text))
    }

    func runtimeManagement(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable {
            let updateRuntimeOn = "Auto"
            let functionArn: String
        }
        let function = try await known(call)
        return try LambdaAnswer(Answer(functionArn: names.function(function.name)))
    }

    func recursionConfig(_ call: LambdaCall) async throws -> LambdaAnswer {
        // Loops are not looked for.
        struct Answer: Encodable { let recursiveLoop = "Allow" }
        _ = try await known(call)
        return try LambdaAnswer(Answer())
    }

    func eventInvokeConfig(_ call: LambdaCall) async throws -> LambdaAnswer {
        let function = try await known(call)
        throw LambdaError(
            .resourceNotFound,
            "The function \(names.function(function.name)) doesn't have an EventInvokeConfig"
        )
    }

    func provisionedConcurrency(_ call: LambdaCall) async throws -> LambdaAnswer {
        _ = try await known(call)
        throw LambdaError(
            .provisionedConcurrencyNotFound,
            "No Provisioned Concurrency Config found for this function"
        )
    }

    /// Who may call the host may call its functions: there are no policies of a function's own.
    func addPermission(_ call: LambdaCall) async throws -> LambdaAnswer {
        _ = try await known(call)
        throw LambdaError.unsupported(
            "AddPermission",
            "functions have no policies of their own; a Kinesis event source mapping needs none"
        )
    }

    func nothing(_ call: LambdaCall) async throws -> LambdaAnswer {
        _ = try await known(call)
        throw LambdaError.noResource
    }

    func empty(_ call: LambdaCall, list: String) async throws -> LambdaAnswer {
        _ = try await known(call)
        return try LambdaAnswer([list: [String]()])
    }

    private func known(_ call: LambdaCall) async throws -> RegisteredFunction {
        try await function(try reference(call))
    }
}
