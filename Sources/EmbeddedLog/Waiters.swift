/// Tasks that wait for something named by a value, each resumed once.
///
/// Guarded by the lock of its owner.
struct Waiters<Wanted: Sendable>: Sendable {
    private struct Waiter {
        let wanted: Wanted
        let continuation: CheckedContinuation<Void, Never>
    }

    private var waiters: [Int: Waiter] = [:]
    private var cancelled: Set<Int> = []
    private var nextID = 0

    mutating func makeID() -> Int {
        nextID += 1
        return nextID
    }

    /// - Returns: `false` when the waiter was cancelled before it came.
    mutating func add(_ continuation: CheckedContinuation<Void, Never>, id: Int, wanted: Wanted) -> Bool {
        if cancelled.remove(id) != nil { return false }
        waiters[id] = Waiter(wanted: wanted, continuation: continuation)
        return true
    }

    /// - Returns: What to resume.
    mutating func cancel(_ id: Int) -> CheckedContinuation<Void, Never>? {
        if let waiter = waiters.removeValue(forKey: id) { return waiter.continuation }
        cancelled.insert(id)
        return nil
    }

    /// The task that may have been cancelled has returned.
    mutating func forget(_ id: Int) {
        cancelled.remove(id)
    }

    /// - Returns: What to resume: those who have what they want.
    mutating func take(where isMet: (Wanted) -> Bool) -> [CheckedContinuation<Void, Never>] {
        guard !waiters.isEmpty else { return [] }
        let met = waiters.filter { isMet($0.value.wanted) }
        for id in met.keys { waiters.removeValue(forKey: id) }
        return met.values.map(\.continuation)
    }

    mutating func takeAll() -> [CheckedContinuation<Void, Never>] { take { _ in true } }

    var count: Int { waiters.count }
}
