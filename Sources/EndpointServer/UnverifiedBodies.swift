import Synchronization

/// How many bytes of bodies are in memory of which nobody knows yet whose they are.
///
/// An access key id is no secret: without a bound, whoever knows one could fill the host's memory with bodies that turn out
/// to be signed by nobody.
final class UnverifiedBodies: Sendable {
    private let maximumBytes: Int
    private let heldBytes = Mutex(0)

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// - Returns: `false` when there is no room for so many more.
    func reserve(_ bytes: Int) -> Bool {
        heldBytes.withLock { held in
            guard held + bytes <= maximumBytes else { return false }
            held += bytes
            return true
        }
    }

    func release(_ bytes: Int) { heldBytes.withLock { $0 -= bytes } }
}
