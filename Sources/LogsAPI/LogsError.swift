import KinesisWire

/// An error as CloudWatch Logs answers it.
struct LogsError: Error, Hashable {
    enum Kind: String {
        case internalFailure = "InternalFailure"
        case invalidParameter = "InvalidParameterException"
        case resourceNotFound = "ResourceNotFoundException"
        case serialization = "SerializationException"
        case unknownOperation = "UnknownOperationException"
    }

    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    var status: Int { kind == .internalFailure ? 500 : 400 }

    static let noGroup = LogsError(.resourceNotFound, "The specified log group does not exist.")
    static let noStream = LogsError(.resourceNotFound, "The specified log stream does not exist.")
}

/// Collects the rules of the service model that a request breaks.
struct LogsChecks {
    private var violations: [Violation] = []

    mutating func number(_ value: Int?, at path: String, in range: ClosedRange<Int>) {
        guard let value else { return }
        if value < range.lowerBound {
            violations.append(Violation(String(value), at: path, .valueAtLeast(range.lowerBound)))
        } else if value > range.upperBound {
            violations.append(Violation(String(value), at: path, .valueAtMost(range.upperBound)))
        }
    }

    mutating func text(_ value: String?, at path: String, length: ClosedRange<Int>) {
        guard let value else { return }
        let count = value.unicodeScalars.count
        if count < length.lowerBound {
            violations.append(Violation(value, at: path, .lengthAtLeast(length.lowerBound)))
        } else if count > length.upperBound {
            violations.append(Violation(value, at: path, .lengthAtMost(length.upperBound)))
        }
    }

    mutating func oneOf(_ names: [String], _ value: String?, at path: String) {
        guard let value, !names.contains(value) else { return }
        violations.append(Violation(value, at: path, .oneOf(names)))
    }

    func finish() throws(LogsError) {
        guard !violations.isEmpty else { return }
        let plural = violations.count == 1 ? "" : "s"
        let list = violations.map(\.description).joined(separator: "; ")
        throw LogsError(.invalidParameter, "\(violations.count) validation error\(plural) detected: \(list)")
    }
}
