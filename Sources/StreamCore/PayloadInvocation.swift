/// One call of Lambda's Invoke: an event that somebody sent, instead of records.
package struct PayloadInvocation: Hashable, Sendable {
    /// JSON, up to 6 MB.
    package let payload: [UInt8]
    /// A fresh UUID.
    package let requestID: String
    package let functionARN: String
    /// The client context as the caller sent it, decoded: JSON.
    package let clientContext: String?

    package init(payload: [UInt8], requestID: String, functionARN: String, clientContext: String? = nil) {
        self.payload = payload
        self.requestID = requestID
        self.functionARN = functionARN
        self.clientContext = clientContext
    }
}

/// How a call of Invoke ended.
package struct PayloadResult: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// What the function answered: JSON, up to 6 MB.
        case answered([UInt8])
        /// The function's error as it stands in the answer to Invoke: `{"errorMessage":…,"errorType":…}`.
        case failed(HandlerFailure, body: [UInt8])
        /// No process took the event.
        case notInvoked(HandlerUnavailable)
    }

    package let outcome: Outcome
    package let executedVersion: FunctionQualifier
    /// The last 4 KiB of what the function printed, with its START, END and REPORT lines.
    package let logTail: String

    package init(_ outcome: Outcome, executedVersion: FunctionQualifier, logTail: String) {
        self.outcome = outcome
        self.executedVersion = executedVersion
        self.logTail = logTail
    }
}
