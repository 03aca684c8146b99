/// What a function's handlers are doing, for `function show`.
package struct HandlerStatus: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
        case starting
        case idle
        case busy
    }

    package struct Process: Hashable, Sendable {
        /// `nil` until the process has been started.
        package let pid: Int32?
        package let state: State
        /// How many batches it has answered.
        package let invocations: Int
    }

    /// Oldest first.
    package let processes: [Process]
    /// Batches that wait for a process.
    package let waiting: Int
    /// Starts that failed since the last one that did not.
    package let startFailures: Int
    /// Why the last start failed; `nil` after one that did not.
    package let startFailure: String?
    /// When a batch may start the next process, counted from now; `nil` when at once.
    package let nextAttempt: Duration?
}
