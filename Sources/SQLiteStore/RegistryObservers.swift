import Synchronization

/// Those in this process who want to know when the registry changes.
///
/// Each stream holds at most one unread element, so that a slow observer costs nothing and still learns of the last change.
final class RegistryObservers: Sendable {
    private struct State {
        var nextID = 0
        var continuations: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextID += 1
            state.continuations[state.nextID] = continuation
            return state.nextID
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.continuations.removeValue(forKey: id) }
        }
        continuation.yield()
        return stream
    }

    func notify() {
        // Outside of the lock: a yield may end in the stream's own code.
        let continuations = state.withLock { Array($0.continuations.values) }
        for continuation in continuations { continuation.yield() }
    }
}
