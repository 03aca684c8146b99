import Synchronization

/// What each of several threads came to.
final class ThreadResults<Value: Sendable>: Sendable {
    private let results: Mutex<[Result<Value, any Error>?]>

    init(count: Int) {
        results = Mutex(Array(repeating: nil, count: count))
    }

    func set(_ result: Result<Value, any Error>, at index: Int) {
        results.withLock { $0[index] = result }
    }

    func values() throws -> [Value] {
        try results.withLock { try $0.compactMap { try $0?.get() } }
    }
}
