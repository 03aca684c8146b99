/// Hands batches to the processes of one function.
///
/// One implementation per kind of function.
package protocol HandlerTransport: Sendable {
    /// Invokes the function once with these records and waits for its answer or its end.
    ///
    /// Waits for a free process first, within the function's concurrency limit; the function's timeout counts
    /// from the moment it is handed the batch. A handler that passes it is killed. A cancelled call returns
    /// early and leaves the handler to finish or time out.
    func invoke(_ invocation: Invocation) async -> InvocationResult
}

/// What a function is handed.
package struct Invocation: Sendable {
    package let records: RecordSelection
    package let context: InvocationContext
    /// The tumbling window that the records belong to; `nil` when the mapping has none.
    package let window: WindowContext?
    /// Whether what a Lambda function answers is to come back as `answered`; when not, any answer has succeeded.
    package let wantsAnswer: Bool

    package init(
        _ records: RecordSelection,
        context: InvocationContext,
        window: WindowContext? = nil,
        wantsAnswer: Bool = false
    ) {
        self.records = records
        self.context = context
        self.window = window
        self.wantsAnswer = wantsAnswer
    }
}

/// What a function is told beside the records.
package struct InvocationContext: Hashable, Sendable {
    /// A fresh UUID for each attempt.
    package let requestID: String
    package let streamARN: String
    package let shard: ShardID
    /// With the qualifier of the mapping, if it has one.
    package let functionARN: String

    package init(requestID: String, streamARN: String, shard: ShardID, functionARN: String) {
        self.requestID = requestID
        self.streamARN = streamARN
        self.shard = shard
        self.functionARN = functionARN
    }
}

/// A tumbling window as the function's event tells of it.
package struct WindowContext: Hashable, Sendable {
    package let start: Timestamp
    package let end: Timestamp
    /// What the function returned last in this window: JSON, `{}` at first.
    package let state: [UInt8]
    /// The last invocation of the window, which may have no records.
    package let isFinal: Bool
    /// The window ends before its time because the state has grown too large.
    package let isTerminatedEarly: Bool

    package init(
        start: Timestamp,
        end: Timestamp,
        state: [UInt8],
        isFinal: Bool = false,
        isTerminatedEarly: Bool = false
    ) {
        self.start = start
        self.end = end
        self.state = state
        self.isFinal = isFinal
        self.isTerminatedEarly = isTerminatedEarly
    }
}

/// How one invocation ended, and what is worth keeping should it have been the last.
package struct InvocationResult: Hashable, Sendable {
    package let outcome: InvocationOutcome
    /// A version's number or `$LATEST`.
    package let executedVersion: FunctionQualifier
    /// After a failure the last of what the function printed in this invocation, at most 4 KiB.
    package let logTail: String

    package init(
        _ outcome: InvocationOutcome,
        executedVersion: FunctionQualifier = .latest,
        logTail: String = ""
    ) {
        self.outcome = outcome
        self.executedVersion = executedVersion
        self.logTail = logTail
    }
}

/// How one invocation ended.
package enum InvocationOutcome: Hashable, Sendable {
    /// The function answered that every record is done.
    case succeeded
    /// What the function answered, where the invocation asked for it: JSON of up to 6 MB, or nothing.
    case answered([UInt8])
    /// Everything before this record is done; it and what follows is to be invoked again.
    case succeededBefore(SequenceNumber)
    /// The function had the batch and did not finish it: an attempt was spent.
    case failed(HandlerFailure)
    /// The function never had the batch; no attempt was spent.
    case notInvoked(HandlerUnavailable)
}

/// How a process ended.
package enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)
    /// The system did not tell.
    case unknown

    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "signal \(signal)"
        case .unknown: "an unknown status"
        }
    }
}

extension Duration {
    /// Seconds with up to three decimals, such as `3 s` or `0.25 s`.
    package func formatted() -> String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        guard milliseconds % 1000 != 0 else { return "\(milliseconds / 1000) s" }
        var fraction = String(1000 + abs(milliseconds % 1000)).dropFirst()
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(milliseconds / 1000).\(fraction) s"
    }
}
