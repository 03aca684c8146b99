/// A function that is run on the records of a stream.
///
/// A package builds it as a dynamic library that exports one C function:
///
/// ```
/// struct DelayAlerts: StreamFunction {
///     init() throws {}
///
///     mutating func handle(
///         _ batch: RecordBatch,
///         context: InvocationContext
///     ) async throws -> BatchResponse { … }
/// }
///
/// @_cdecl("millrace_function")
/// public func millraceFunction(_ channel: Int32) -> Int32 {
///     DelayAlerts.run(channel)
/// }
/// ```
public protocol StreamFunction: NamedFromAnyTask {
    /// Made once per process, before its first batch.
    ///
    /// An error counts as a failed start and is shown with the function.
    init() throws

    /// Processes one batch: records of one shard, in order.
    ///
    /// A process has one batch at a time.
    ///
    /// Delivery is at least once: after a failure, a time-out or a crash the same records come again, perhaps
    /// to another process.
    ///
    /// - Returns: `.success`, or the records that failed; everything from the first of them on is delivered
    ///   again. In a tumbling window (`context.window`) with the state for the next batch: `.success.with(state:)`.
    /// - Throws: Any error fails the whole batch with its description.
    mutating func handle(_ batch: RecordBatch, context: InvocationContext) async throws -> BatchResponse
}

extension StreamFunction {
    /// Serves the host on the channel until the host closes it.
    ///
    /// - Returns: The process's exit code: 0 done, 1 when the function could not be made or the host not
    ///   understood.
    public static func run(_ channel: Int32) -> Int32 {
        FunctionServer<Self>(channel: FunctionChannel(descriptor: channel)).run()
    }
}

#if compiler(>=6.2)
    /// The function is made inside the task that runs it, for which Swift 6.2 asks this of its type.
    public typealias NamedFromAnyTask = SendableMetatype
#else
    /// What Swift 6.2 asks of a type that a task makes values of; before that, nothing.
    public typealias NamedFromAnyTask = Any
#endif
