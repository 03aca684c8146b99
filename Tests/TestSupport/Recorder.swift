import Synchronization

/// Remembers what happened, in order, and lets a test wait for it.
package final class Recorder<Event: Sendable>: Sendable {
    private struct Waiter {
        let isMet: @Sendable ([Event]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var events: [Event] = []
        var nextWaiter = 0
        var waiters: [Int: Waiter] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var events: [Event] { state.withLock(\.events) }

    package func append(_ event: Event) {
        let met = state.withLock { state -> [Waiter] in
            state.events.append(event)
            let met = state.waiters.filter { $0.value.isMet(state.events) }
            for id in met.keys { state.waiters[id] = nil }
            return Array(met.values)
        }
        for waiter in met { waiter.continuation.resume() }
    }

    /// Waits until at least `count` things have happened.
    package func wait(for count: Int) async {
        await wait { $0.count >= count }
    }

    /// Waits until what has happened so far meets the condition, or the test is cancelled for its time limit.
    package func wait(until isMet: @escaping @Sendable ([Event]) -> Bool) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isMetNow = state.withLock { state -> Bool in
                    if isMet(state.events) || Task.isCancelled { return true }
                    state.waiters[id] = Waiter(isMet: isMet, continuation: continuation)
                    return false
                }
                if isMetNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
