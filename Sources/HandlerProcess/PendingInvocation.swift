import StreamCore
import Synchronization

/// A batch that somebody waits for: in the pool's queue, then with a process.
final class PendingInvocation: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<InvocationOutcome, Never>)
        case finished(InvocationOutcome)
    }

    let records: RecordSelection
    let context: InvocationContext
    private let state = Mutex(State.open)

    init(records: RecordSelection, context: InvocationContext) {
        self.records = records
        self.context = context
    }

    /// Waits until somebody finishes it; called once.
    func outcome() async -> InvocationOutcome {
        await withCheckedContinuation { continuation in
            let finished = state.withLock { state -> InvocationOutcome? in
                if case .finished(let outcome) = state { return outcome }
                state = .awaited(continuation)
                return nil
            }
            if let finished { continuation.resume(returning: finished) }
        }
    }

    /// The first outcome counts; a caller that gave up has one already when the handler answers.
    func finish(_ outcome: InvocationOutcome) {
        let waiter = state.withLock { state -> CheckedContinuation<InvocationOutcome, Never>? in
            switch state {
            case .open:
                state = .finished(outcome)
                return nil
            case .awaited(let continuation):
                state = .finished(outcome)
                return continuation
            case .finished: return nil
            }
        }
        waiter?.resume(returning: outcome)
    }

    var isFinished: Bool {
        state.withLock { state in
            if case .finished = state { true } else { false }
        }
    }
}
