import StreamCore
import Synchronization

/// What a process is handed: records of a stream, or an event that somebody sent.
enum Work: Sendable {
    case batch(Invocation)
    case payload(PayloadInvocation)

    var requestID: String {
        switch self {
        case .batch(let invocation): invocation.context.requestID
        case .payload(let invocation): invocation.requestID
        }
    }

    var functionARN: String {
        switch self {
        case .batch(let invocation): invocation.context.functionARN
        case .payload(let invocation): invocation.functionARN
        }
    }

    /// Whether the answer's body is of use to anybody.
    var wantsAnswer: Bool {
        switch self {
        case .batch(let invocation): invocation.wantsAnswer
        case .payload: true
        }
    }

    var clientContext: String? {
        if case .payload(let invocation) = self { invocation.clientContext } else { nil }
    }

    var isPayload: Bool {
        if case .payload = self { true } else { false }
    }
}

/// How a process or the pool finished its work.
struct WorkResult: Sendable {
    let outcome: InvocationOutcome
    /// The error as the runtime posted it, when it did.
    var errorBody: [UInt8]?
    /// What the function printed in this invocation, where somebody may want it.
    var logTail = ""

    static func notInvoked(_ kind: HandlerUnavailable.Kind = .unavailable, _ reason: String) -> WorkResult {
        WorkResult(outcome: .notInvoked(HandlerUnavailable(kind, reason: reason)))
    }
}

/// Work that somebody waits for: in the pool's queue, then with a process.
final class PendingInvocation: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<WorkResult, Never>)
        case finished(WorkResult)
    }

    let work: Work
    private let state = Mutex(State.open)

    init(_ work: Work) {
        self.work = work
    }

    /// Waits until somebody finishes it; called once.
    func result() async -> WorkResult {
        await withCheckedContinuation { continuation in
            let finished = state.withLock { state -> WorkResult? in
                if case .finished(let result) = state { return result }
                state = .awaited(continuation)
                return nil
            }
            if let finished { continuation.resume(returning: finished) }
        }
    }

    /// The first result counts; a caller that gave up has one already when the handler answers.
    func finish(_ result: WorkResult) {
        let waiter = state.withLock { state -> CheckedContinuation<WorkResult, Never>? in
            switch state {
            case .open:
                state = .finished(result)
                return nil
            case .awaited(let continuation):
                state = .finished(result)
                return continuation
            case .finished: return nil
            }
        }
        waiter?.resume(returning: result)
    }

    var isFinished: Bool {
        state.withLock { state in
            if case .finished = state { true } else { false }
        }
    }
}
