import Synchronization

/// Asks a loop to finish what it has in hand and take up nothing new.
///
/// Once requested it stays so.
package final class DrainSignal: Sendable {
    private struct State {
        var isRequested = false
        var nextWaiter = 0
        var waiters: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var isRequested: Bool { state.withLock(\.isRequested) }

    /// Interrupts every call that waits in `interruptible`.
    package func request() {
        let waiters = state.withLock { state in
            state.isRequested = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for interrupt in waiters { interrupt() }
    }

    /// Calls `action` once when draining is requested; at once when it was before.
    ///
    /// - Returns: What `forget` takes; of no use once draining was requested.
    @discardableResult
    package func onRequest(_ action: @escaping @Sendable () -> Void) -> Registration? {
        let registration = add(action)
        if registration == nil { action() }
        return registration
    }

    /// An action that waits for a request.
    package typealias Registration = Int

    /// Drops an action whose cause has gone, with all that it holds on to.
    package func forget(_ registration: Registration?) {
        guard let registration else { return }
        state.withLock { _ = $0.waiters.removeValue(forKey: registration) }
    }

    /// Returns when draining was requested, or throws when the task is cancelled.
    package func wait() async throws {
        _ = try await interruptible {
            // The request cancels this sleep; a year is as good as for ever.
            try await ContinuousClock().sleep(for: .seconds(365 * 86_400))
        }
    }

    /// Runs an operation that a request cancels.
    ///
    /// - Returns: `nil` when draining was requested before the operation came to its end.
    package func interruptible<Value: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        let work = Task { try await operation() }
        guard let waiter = add({ work.cancel() }) else {
            work.cancel()
            _ = await work.result
            return nil
        }
        defer { forget(waiter) }
        do {
            return try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                work.cancel()
            }
        } catch is CancellationError where isRequested && !Task.isCancelled {
            return nil
        }
    }

    /// - Returns: `nil` when draining was requested already.
    private func add(_ action: @escaping @Sendable () -> Void) -> Int? {
        state.withLock { state in
            guard !state.isRequested else { return nil }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = action
            return state.nextWaiter
        }
    }
}
