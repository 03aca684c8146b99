import StreamCore

/// A tumbling window: the records of a shard that arrived in one span of time, with a state that goes from batch
/// to batch.
///
/// A function returns the state with each batch: `.success.with(state:)`. It starts as `{}`, and what the last batch
/// of the window returns is dropped: by then the function has put its result where it belongs.
public struct TumblingWindow: Sendable {
    /// In milliseconds since 1970-01-01 UTC, as a record's arrival; the window ends before `end`.
    public let start: Int64
    public let end: Int64
    /// JSON: what the function returned with the last batch of the window.
    public let state: [UInt8]
    /// The last batch of the window, which may have no records.
    public let isFinal: Bool
    /// The window ends before its time because the state grew over 1 MB.
    public let isTerminatedEarly: Bool

    init(_ window: WindowContext) {
        start = window.start.milliseconds
        end = window.end.milliseconds
        state = window.state
        isFinal = window.isFinal
        isTerminatedEarly = window.isTerminatedEarly
    }
}
