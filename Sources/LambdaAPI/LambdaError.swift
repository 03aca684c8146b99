/// An error as Lambda's API answers it.
package struct LambdaError: Error, Hashable, Sendable {
    package enum Kind: String, Sendable {
        case invalidParameterValue = "InvalidParameterValueException"
        case invalidRequestContent = "InvalidRequestContentException"
        case preconditionFailed = "PreconditionFailedException"
        case provisionedConcurrencyNotFound = "ProvisionedConcurrencyConfigNotFoundException"
        case requestEntityTooLarge = "RequestEntityTooLargeException"
        case requestTooLarge = "RequestTooLargeException"
        case resourceConflict = "ResourceConflictException"
        case resourceInUse = "ResourceInUseException"
        case resourceNotFound = "ResourceNotFoundException"
        case serialization = "SerializationException"
        case service = "ServiceException"
        case tooManyRequests = "TooManyRequestsException"
        case unknownOperation = "UnknownOperationException"
        case validation = "ValidationException"
    }

    package let kind: Kind
    package let message: String
    /// Why an invocation was throttled, in the words of the service model.
    package let reason: String?

    package init(_ kind: Kind, _ message: String, reason: String? = nil) {
        self.kind = kind
        self.message = message
        self.reason = reason
    }

    package var status: Int {
        switch kind {
        case .provisionedConcurrencyNotFound, .resourceNotFound, .unknownOperation: 404
        case .resourceConflict: 409
        case .preconditionFailed: 412
        case .requestEntityTooLarge, .requestTooLarge: 413
        case .tooManyRequests: 429
        case .service: 500
        case .invalidParameterValue, .invalidRequestContent, .resourceInUse, .serialization, .validation: 400
        }
    }

    /// The members of its JSON; SDKs that are generated from the service model look for just these names.
    var fields: [String: String] {
        var fields = ["Type": kind == .service ? "Service" : "User"]
        fields[Self.hasCapitalMessage(kind) ? "Message" : "message"] = message
        fields["Reason"] = reason
        return fields
    }

    private static func hasCapitalMessage(_ kind: Kind) -> Bool {
        [.resourceInUse, .resourceNotFound, .service, .serialization].contains(kind)
    }
}

extension LambdaError: CustomStringConvertible {
    package var description: String { "\(kind.rawValue): \(message)" }
}

extension LambdaError {
    static func invalid(_ message: String) -> LambdaError { LambdaError(.invalidParameterValue, message) }

    static func notFound(function arn: String) -> LambdaError {
        LambdaError(.resourceNotFound, "Function not found: \(arn)")
    }

    /// Lambda's words where a mapping or another thing of that name is not there.
    static let noResource = LambdaError(.resourceNotFound, "The resource you requested does not exist.")

    /// Something that works on Lambda and not here; better said than ignored.
    static func unsupported(_ option: String, _ hint: String = "") -> LambdaError {
        .invalid("\(option) is not supported by this version\(hint.isEmpty ? "" : ": \(hint)").")
    }
}
