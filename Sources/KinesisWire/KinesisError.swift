/// An error as the Kinesis API answers it.
package struct KinesisError: Error, Hashable, Sendable {
    package enum Kind: String, Sendable {
        case dryRun = "DryRunOperationException"
        case expiredIterator = "ExpiredIteratorException"
        case expiredNextToken = "ExpiredNextTokenException"
        case internalFailure = "InternalFailureException"
        case invalidArgument = "InvalidArgumentException"
        case limitExceeded = "LimitExceededException"
        case resourceInUse = "ResourceInUseException"
        case resourceNotFound = "ResourceNotFoundException"
        case serialization = "SerializationException"
        case unknownOperation = "UnknownOperationException"
        case validation = "ValidationException"
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var status: Int { kind == .internalFailure ? 500 : 400 }

    /// Every rule that a request breaks, in one error; the service names at most ten.
    package static func validation(_ violations: [Violation]) -> KinesisError {
        let named = violations.prefix(Violation.maximumNamed)
        let plural = named.count == 1 ? "" : "s"
        let list = named.map(\.description).joined(separator: "; ")
        return KinesisError(.validation, "\(named.count) validation error\(plural) detected: \(list)")
    }
}

/// One rule of the service model that a request breaks.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    package static let maximumNamed = 10
    /// Longer values are cut in messages.
    private static let maximumValueCharacters = 1_024

    /// As the service prints it; `nil` for a missing one.
    package let value: String?
    /// Where it stands in the request: `partitionKey`, `records.3.member.data`.
    package let path: String
    package let constraint: Constraint

    package init(_ value: String?, at path: String, _ constraint: Constraint) {
        self.value = value
        self.path = path
        self.constraint = constraint
    }

    package enum Constraint: Hashable, Sendable, CustomStringConvertible {
        case notNull
        case lengthAtLeast(Int)
        case lengthAtMost(Int)
        case valueAtLeast(Int)
        case valueAtMost(Int)
        case pattern(String)
        case oneOf([String])

        package var description: String {
            switch self {
            case .notNull: "Member must not be null"
            case .lengthAtLeast(let limit): "Member must have length greater than or equal to \(limit)"
            case .lengthAtMost(let limit): "Member must have length less than or equal to \(limit)"
            case .valueAtLeast(let limit): "Member must have value greater than or equal to \(limit)"
            case .valueAtMost(let limit): "Member must have value less than or equal to \(limit)"
            case .pattern(let pattern): "Member must satisfy regular expression pattern: \(pattern)"
            case .oneOf(let names): "Member must satisfy enum value set: [\(names.joined(separator: ", "))]"
            }
        }
    }

    package var description: String {
        let text = value.map { "'\($0.prefix(Self.maximumValueCharacters))'" } ?? "null"
        return "Value \(text) at '\(path)' failed to satisfy constraint: \(constraint)"
    }
}

extension KinesisError: CustomStringConvertible {
    package var description: String { "\(kind.rawValue): \(message)" }
}
