import Foundation

/// Holds threads up while it is closed.
///
/// Unchecked because `condition` guards the state.
final class BlockingGate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isClosed = false

    /// Whether a thread would be held up now.
    var isArmed: Bool { condition.withLock { isClosed } }

    func close() { condition.withLock { isClosed = true } }

    func open() {
        condition.withLock {
            isClosed = false
            condition.broadcast()
        }
    }

    func pass() {
        condition.withLock {
            while isClosed { condition.wait() }
        }
    }
}
