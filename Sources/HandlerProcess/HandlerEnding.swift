import StreamCore

/// What a handler tells its pool while it runs, on the handler's thread.
struct HandlerReports {
    let started: (_ pid: Int32) -> Void
    let ready: () -> Void
    /// A batch takes longer than a fast function's would.
    let slow: () -> Void
    let answered: (_ duration: Duration) -> Void
}

/// How a handler ended.
struct HandlerEnding {
    /// Why the process never did any work; `nil` when it did, or had no chance to.
    let startFailure: String?
    /// Batches that the function never had.
    let unstarted: [PendingInvocation]
}

/// Why a process is ended, or has ended.
enum EndCause {
    case stopped
    case exited
    case timedOut(number: UInt64)
    case tooManyProcesses
    case startFailed(String)
    case broken(String)

    /// What the end means for the batch that was running; `nil` when the function did not have it.
    ///
    /// A process that ends or hangs before it has read the whole batch spends an attempt too: it would do so with
    /// the same batch for ever.
    func failure(
        of function: FunctionDefinition,
        number: UInt64,
        hasBegun: Bool,
        status: ExitStatus,
        journal: borrowing InvocationJournal
    ) -> HandlerFailure? {
        if case .timedOut(let late) = self {
            // Or another batch's time was over, and its answer came with the last words.
            return number == late ? .timedOut(after: function.timeout) : nil
        }
        guard hasBegun else { return nil }
        switch self {
        case .timedOut: return nil
        case .tooManyProcesses: return .tooManyProcesses(limit: ProcessTree.maximumThreads)
        case .broken(let reason): return .malformedReply(reason: reason)
        case .exited where status != .code(0) && journal.ranOutOfMemory:
            return .outOfMemory(limitMegabytes: function.memoryMegabytes, stderrTail: journal.lastWords)
        case .stopped, .exited, .startFailed: return .exited(status, stderrTail: journal.lastWords)
        }
    }

    /// Why a process that never worked did not start; `nil` when it was not its own doing.
    func startFailure(isReady: Bool, status: ExitStatus, lastWords: String) -> String? {
        switch self {
        case .stopped, .timedOut, .tooManyProcesses: return nil
        case .startFailed(let reason), .broken(let reason): return Self.join(reason, lastWords)
        case .exited:
            if lastWords.hasSuffix("No module named awslambdaric") {
                return
                    "\(lastWords): install it with pip install awslambdaric, or choose a Python that has it"
            }
            let missing = isReady ? "took a batch" : "asked for work"
            return Self.join("the process ended with \(status) before it \(missing)", lastWords)
        }
    }

    private static func join(_ reason: String, _ lastWords: String) -> String {
        lastWords.isEmpty ? reason : "\(reason): \(lastWords)"
    }
}
