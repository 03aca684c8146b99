import Synchronization

/// One call of `append`, waiting for the shards that its records went to.
final class AppendTicket: Sendable {
    private struct State {
        // One for the call itself, so that fast shards cannot finish it while others are still to be asked.
        var outstanding = 1
        var failures: [Int: any Error] = [:]
        var continuation: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Announces that another shard will call `finish`.
    func expect() {
        state.withLock { $0.outstanding += 1 }
    }

    /// The records for this shard are stored, or not.
    func finish(shard: Int, failure: (any Error)?) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let failure { state.failures[shard] = failure }
            state.outstanding -= 1
            return state.outstanding == 0 ? state.continuation.take() : nil
        }
        continuation?.resume()
    }

    /// Waits until every shard is finished.
    ///
    /// Cannot be cancelled: the records are on their way.
    ///
    /// - Returns: The shards that failed.
    func wait() async -> [Int: any Error] {
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                state.outstanding -= 1
                if state.outstanding > 0 { state.continuation = continuation }
                return state.outstanding == 0
            }
            if isFinished { continuation.resume() }
        }
        return state.withLock(\.failures)
    }
}
