import Logging
import SQLiteStore
import StreamCore

extension LambdaService {
    /// Any error as the API answers it.
    func translate(_ error: any Error, of operation: LambdaOperation) -> LambdaError {
        switch error {
        case let error as LambdaError: return error
        case let error as FunctionExists:
            return LambdaError(.resourceConflict, "Function already exist: \(error.function)")
        case let error as FunctionNotFound:
            return .notFound(function: names.function(error.function, error.qualifier))
        case is RevisionMismatch: return .revisionMismatch
        case let error as UpdateInProgress: return .updateInProgress(names.function(error.function))
        case let error as CodeMismatch: return .codeMismatch(error.requested, current: error.current)
        case let error as AliasExists:
            return .aliasExists(names.function(error.function, error.alias))
        case let error as QualifierInUse: return LambdaError(.resourceConflict, "\(error).")
        case is MappingNotFound: return .noResource
        case let error as MappingInTransition:
            return .mappingInUse(operation == .deleteEventSourceMapping ? "delete" : "update", error.state)
        case let error as RegistryLimitReached: return .invalid("\(error).")
        case let error as InvalidArchive:
            return .invalid(
                "Could not unzip uploaded file. Please check your file, then try to upload again. (\(error))"
            )
        case let error as CodeTooLarge:
            return .invalid("Unzipped size must be smaller than \(error.limit) bytes")
        default:
            logger.error(
                "request failed",
                metadata: ["operation": "\(operation)", "error": "\(error)"]
            )
            return LambdaError(.service, "\(error)")
        }
    }
}

extension LambdaError {
    static let revisionMismatch = LambdaError(
        .preconditionFailed,
        "The Revision Id provided does not match the latest Revision Id. "
            + "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    )

    static func codeMismatch(_ requested: String, current: String?) -> LambdaError {
        .invalid(
            "CodeSHA256 (\(requested)) is different from current CodeSHA256 in $LATEST (\(current ?? "")). "
                + "Please try again with the CodeSHA256 in $LATEST."
        )
    }

    static func aliasExists(_ arn: String) -> LambdaError {
        LambdaError(.resourceConflict, "Alias already exists: \(arn)")
    }

    static func mappingInUse(_ verb: String, _ state: EventSourceMapping.State) -> LambdaError {
        LambdaError(
            .resourceInUse,
            "Cannot \(verb) the event source mapping because it is in use: its state is \(state.rawValue)."
        )
    }

    static func updateInProgress(_ arn: String) -> LambdaError {
        LambdaError(
            .resourceConflict,
            "The operation cannot be performed at this time. An update is in progress for resource: \(arn)"
        )
    }
}
