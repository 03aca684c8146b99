import Synchronization

/// Wakes a loop before its next turn is due.
///
/// A wake while nobody waits is kept for the next wait, and many wakes count as one.
package final class WakeSignal: Sendable {
    private enum State {
        case idle
        case woken
        case waiting(CheckedContinuation<Bool, Never>)
    }

    private let state = Mutex(State.idle)

    package init() {}

    package func wake() {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            if case .waiting(let continuation) = state {
                state = .idle
                return continuation
            }
            state = .woken
            return nil
        }
        waiter?.resume(returning: true)
    }

    /// Returns after a wake, after `limit`, or when the task is cancelled.
    ///
    /// Used by one task at a time.
    ///
    /// - Returns: Whether it was woken.
    @discardableResult
    package func wait(upTo limit: Duration, on clock: any Clock<Duration>) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                // Ends early only by cancellation, which is how this wait ends then.
                try? await clock.sleep(for: limit)
                return false
            }
            group.addTask { await self.wait() }
            let isWoken = await group.next() ?? false
            group.cancelAll()
            // A wake in the very moment in which the time was over counts as well.
            return await group.reduce(isWoken) { $0 || $1 }
        }
    }

    /// Returns after a wake, or when the task is cancelled.
    ///
    /// Used by one task at a time.
    ///
    /// - Returns: Whether it was woken.
    @discardableResult
    package func wait() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWoken = state.withLock { state -> Bool? in
                    if case .woken = state {
                        state = .idle
                        return true
                    }
                    if Task.isCancelled { return false }
                    state = .waiting(continuation)
                    return nil
                }
                if let isWoken { continuation.resume(returning: isWoken) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard case .waiting(let continuation) = state else { return nil }
                state = .idle
                return continuation
            }
            waiter?.resume(returning: false)
        }
    }
}
