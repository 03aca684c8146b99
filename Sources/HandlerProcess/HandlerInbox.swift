import CProcess
import Glibc
import Synchronization

/// What the pool tells the thread of one handler, which is waiting in `poll` or at work.
final class HandlerInbox: Sendable {
    struct Orders {
        var invocations: [PendingInvocation] = []
        /// Take nothing new, end when idle, and at this moment at the latest.
        var stopBy: ContinuousClock.Instant?
    }

    private struct State {
        var orders = Orders()
        var isParked = false
        var isClosed = false
    }

    /// Readable when there is something to take.
    let wakeUp: Descriptor
    private let state = Mutex(State())

    init() throws(SystemCallFailure) {
        wakeUp = try Descriptor(millrace_eventfd(), from: "eventfd")
    }

    /// - Returns: `false` when the handler has ended and the invocation needs another one.
    func offer(_ invocation: PendingInvocation) -> Bool {
        change { $0.orders.invocations.append(invocation) }
    }

    func stop(by instant: ContinuousClock.Instant) {
        _ = change { $0.orders.stopBy = instant }
    }

    private func change(_ body: (inout State) -> Void) -> Bool {
        let (isOpen, mustWake) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, false) }
            body(&state)
            // A thread at work looks here before it parks, so it needs no system call to be told.
            defer { state.isParked = false }
            return (true, state.isParked)
        }
        if mustWake {
            var one: UInt64 = 1
            write(wakeUp.number, &one, MemoryLayout<UInt64>.size)
        }
        return isOpen
    }

    /// What came in since the last call; when that is nothing, the caller counts as parked until something does.
    func take() -> Orders {
        state.withLock { state in
            let orders = state.orders
            state.isParked = orders.invocations.isEmpty
            state.orders.invocations = []
            return orders
        }
    }

    /// The caller is at work again and will look here by itself.
    func unpark() {
        state.withLock { $0.isParked = false }
    }

    /// Makes `wakeUp` wait for the next order again.
    func acknowledge() {
        var count: UInt64 = 0
        read(wakeUp.number, &count, MemoryLayout<UInt64>.size)
    }

    /// Refuses everything from now on.
    ///
    /// - Returns: What was never taken.
    func close() -> [PendingInvocation] {
        state.withLock { state in
            state.isClosed = true
            defer { state.orders.invocations = [] }
            return state.orders.invocations
        }
    }
}
