import Synchronization

/// Holds tasks up while it is closed.
package final class Gate: Sendable {
    private struct State {
        var isOpen: Bool
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Mutex<State>

    package init(isOpen: Bool = false) {
        state = Mutex(State(isOpen: isOpen))
    }

    package func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    package func close() {
        state.withLock { $0.isOpen = false }
    }

    /// Returns when the gate is open or the task is cancelled.
    package func pass() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThrough = state.withLock { state -> Bool in
                    // A cancellation before this lock has set the flag; one after it finds the waiter.
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isThrough { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
