/// Why an invocation produced no usable answer.
package enum HandlerFailure: Error, Hashable, Sendable {
    case timedOut(after: Duration)
    /// The process ended in the middle; `stderrTail` is the last of what it wrote there, at most 4 KiB.
    case exited(ExitStatus, stderrTail: String)
    /// The process ended in the middle with its memory used up.
    case outOfMemory(limitMegabytes: Int, stderrTail: String)
    /// The function started more processes and threads than it may have, and was ended for it.
    case tooManyProcesses(limit: Int)
    case malformedReply(reason: String)
    /// The function's own error, as it reported it.
    case functionError(type: String, message: String)
    /// The batch as an event passes what one invocation may carry.
    case payloadTooLarge(bytes: Int, limit: Int)
}

/// Why no process of the function could take a batch.
package struct HandlerUnavailable: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// It does not start, is shutting down, or the caller gave up.
        case unavailable
        /// As many invocations as the function may have are running, or it may have none.
        case throttled
        /// Functions of this kind never take such an invocation.
        case unsupported
    }

    package let kind: Kind
    package let reason: String

    package init(_ kind: Kind = .unavailable, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String { reason }
}

extension HandlerFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .timedOut(let limit): "timed out after \(limit.formatted())"
        case .exited(let status, let tail):
            tail.isEmpty ? "the process ended with \(status)" : "the process ended with \(status): \(tail)"
        case .outOfMemory(let limit, let tail):
            "the process ran out of its \(limit) MB of memory" + (tail.isEmpty ? "" : ": \(tail)")
        case .tooManyProcesses(let limit): "the function had more than \(limit) processes and threads"
        case .malformedReply(let reason): "malformed answer: \(reason)"
        case .functionError(let type, let message): "\(type): \(message)"
        case .payloadTooLarge(let bytes, let limit): "the event has \(bytes) bytes, the limit is \(limit)"
        }
    }
}

/// The same in the words of Lambda, as Invoke answers them.
extension HandlerFailure {
    package var errorType: String {
        switch self {
        case .timedOut: "Sandbox.Timedout"
        case .exited: "Runtime.ExitError"
        case .outOfMemory: "Runtime.OutOfMemory"
        case .tooManyProcesses: "Runtime.TooManyProcesses"
        case .malformedReply: "Runtime.InvalidResponse"
        case .functionError(let type, _): type
        case .payloadTooLarge: "RequestEntityTooLargeException"
        }
    }

    package func errorMessage(requestID: String) -> String {
        switch self {
        case .timedOut(let limit):
            "RequestId: \(requestID) Error: Task timed out after \(limit.secondsWithTwoDecimals) seconds"
        case .exited(let status, _): "RequestId: \(requestID) Error: \(Self.exit(status))"
        case .outOfMemory:
            "RequestId: \(requestID) Error: Runtime exited with error: signal: killed"
        case .tooManyProcesses, .malformedReply, .payloadTooLarge: "RequestId: \(requestID) Error: \(self)"
        case .functionError(_, let message): message
        }
    }

    private static func exit(_ status: ExitStatus) -> String {
        switch status {
        case .code(0): "Runtime exited without providing a reason"
        case .code(let code): "Runtime exited with error: exit status \(code)"
        case .signal(let signal):
            "Runtime exited with error: signal: \(signalNames[signal] ?? "signal \(signal)")"
        case .unknown: "Runtime exited with error: unknown status"
        }
    }

    /// As Go's `os` prints them, which Lambda is written in.
    private static let signalNames: [Int32: String] = [
        1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 5: "trace/breakpoint trap",
        6: "aborted", 7: "bus error", 8: "floating point exception", 9: "killed",
        10: "user defined signal 1", 11: "segmentation fault", 12: "user defined signal 2",
        13: "broken pipe", 14: "alarm clock", 15: "terminated",
    ]
}

extension Duration {
    /// Such as `3.00`, as Lambda prints a time limit.
    package var secondsWithTwoDecimals: String {
        let hundredths = components.seconds * 100 + components.attoseconds / 10_000_000_000_000_000
        return "\(hundredths / 100).\(String(100 + hundredths % 100).dropFirst())"
    }
}
