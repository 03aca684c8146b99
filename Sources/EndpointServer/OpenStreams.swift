import Synchronization

/// The streams of all HTTP/2 connections, at most so many.
final class OpenStreams: Sendable {
    private let limit: Int
    private let count = Atomic(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// - Returns: `false` when there are as many as may be; then there is nothing to `end`.
    func begin() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue > limit else { return true }
        end()
        return false
    }

    func end() { count.subtract(1, ordering: .relaxed) }
}
