import HandlerWire

/// What a function is told beside the records.
public struct InvocationContext: Sendable {
    /// A fresh UUID for each attempt.
    public let requestID: String
    public let functionARN: String
    /// When the host kills the process for taking too long.
    public let deadline: ContinuousClock.Instant
    /// The tumbling window that the batch belongs to; `nil` when the mapping has none.
    public let window: TumblingWindow?

    init(header: InvocationHeader, start: ContinuousClock.Instant) {
        requestID = header.requestID
        functionARN = header.functionARN
        deadline = start + header.timeout
        window = header.window.map(TumblingWindow.init)
    }

    /// What is left until the deadline; negative when it has passed.
    public var remaining: Duration { ContinuousClock.now.duration(to: deadline) }

    /// Writes a line to the function's log, under this invocation's request ID; lines over 64 KiB are cut.
    public func log(_ message: String) {
        LogOutput.write(TaggedLine.bytes(message, requestID: requestID))
    }
}
