/// Hands batches to the processes of one function.
///
/// One implementation per kind of function.
package protocol HandlerTransport: Sendable {
    /// Invokes the function once with these records and waits for its answer or its end.
    ///
    /// Waits for a free process first, within the function's concurrency limit; the function's timeout counts
    /// from the moment it is handed the batch. A handler that passes it is killed. A cancelled call returns
    /// early and leaves the handler to finish or time out.
    func invoke(_ records: RecordSelection, context: InvocationContext) async -> InvocationOutcome
}

/// What a function is told beside the records.
package struct InvocationContext: Hashable, Sendable {
    /// A fresh UUID for each attempt.
    package let requestID: String
    package let streamARN: String
    package let shard: ShardID
    package let functionARN: String

    package init(requestID: String, streamARN: String, shard: ShardID, functionARN: String) {
        self.requestID = requestID
        self.streamARN = streamARN
        self.shard = shard
        self.functionARN = functionARN
    }
}

/// How one invocation ended.
package enum InvocationOutcome: Hashable, Sendable {
    /// The function answered that every record is done.
    case succeeded
    /// Everything before this record is done; it and what follows is to be invoked again.
    case succeededBefore(SequenceNumber)
    /// The function had the batch and did not finish it: an attempt was spent.
    case failed(HandlerFailure)
    /// The function never had the batch; no attempt was spent.
    case notInvoked(HandlerUnavailable)
}

/// Why an invocation produced no usable answer.
package enum HandlerFailure: Error, Hashable, Sendable {
    case timedOut(after: Duration)
    /// The process ended in the middle; `stderrTail` is the last of what it wrote there, at most 4 KiB.
    case exited(ExitStatus, stderrTail: String)
    case malformedReply(reason: String)
    /// The function's own error, as it reported it.
    case functionError(type: String, message: String)
    /// The batch as an event passes what one invocation may carry.
    case payloadTooLarge(bytes: Int, limit: Int)
}

/// Why no process of the function could take a batch.
package struct HandlerUnavailable: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String
    package init(reason: String) { self.reason = reason }
    package var description: String { reason }
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

extension HandlerFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .timedOut(let limit): "timed out after \(limit.formatted())"
        case .exited(let status, let tail):
            tail.isEmpty ? "the process ended with \(status)" : "the process ended with \(status): \(tail)"
        case .malformedReply(let reason): "malformed answer: \(reason)"
        case .functionError(let type, let message): "\(type): \(message)"
        case .payloadTooLarge(let bytes, let limit): "the event has \(bytes) bytes, the limit is \(limit)"
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
