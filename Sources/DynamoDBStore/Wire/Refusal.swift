import AWSClient
import Foundation

/// An answer of DynamoDB that says no.
struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why one item of a transaction was refused.
    struct Reason: Decodable, Hashable, Sendable {
        let Code: String?
        let Item: Item?
    }

    let error: AWSError
    /// The item that did not meet the condition, when it came along.
    let item: Item?
    /// Of a transaction, in the order of its items.
    let reasons: [Reason]
    /// An earlier try of the same call got no answer, and may have been carried out.
    let isOfRepeat: Bool

    private struct Body: Decodable {
        let Item: Item?
        let CancellationReasons: [Reason]?
    }

    init(_ response: ClientResponse, isOfRepeat: Bool) {
        let body = try? JSONDecoder().decode(Body.self, from: Data(response.body))
        error = AWSError(response)
        item = body?.Item
        reasons = body?.CancellationReasons ?? []
        self.isOfRepeat = isOfRepeat
    }

    var description: String {
        let codes = reasons.map { $0.Code ?? "None" }.filter { $0 != "None" }
        return codes.isEmpty ? "\(error)" : "\(error.type): \(codes.joined(separator: ", "))"
    }

    var isCancelledTransaction: Bool { error.type == "TransactionCanceledException" }

    var isConditionFailure: Bool { error.type == "ConditionalCheckFailedException" }

    var isMissing: Bool { error.type == "ResourceNotFoundException" }

    /// The transaction lost to another one, or to the table's throughput, and not to a condition.
    private var isPassingCancellation: Bool {
        error.type == "TransactionCanceledException"
            && !reasons.contains { $0.Code == "ConditionalCheckFailed" || $0.Code == "ValidationError" }
            && reasons.contains { reason in reason.Code.map(Self.passing.contains) == true }
    }

    /// A part of the protocol, and not something gone wrong.
    var isExpected: Bool { isConditionFailure || isCancelledTransaction || isMissing || isInUse }

    /// The table is there, or is being made.
    var isInUse: Bool { error.type == "ResourceInUseException" }

    /// Trying again may help.
    var isPassing: Bool {
        error.status >= 500 || Self.passing.contains(error.type) || isPassingCancellation
    }

    /// It may have been carried out all the same.
    var leavesDoubt: Bool { error.status >= 500 }

    private static let passing: Set<String> = [
        "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
        "LimitExceededException", "InternalServerError", "TransactionConflictException",
        "TransactionInProgressException", "TransactionConflict", "ProvisionedThroughputExceeded",
        "ThrottlingError", "ReplicatedWriteConflictException",
    ]

    var isDenied: Bool {
        ["AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"]
            .contains(error.type)
    }
}
