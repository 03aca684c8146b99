import KinesisWire
import StreamCore
import Synchronization

/// Reads a shard whose records are pushed: what has come waits here, up to a limit, and the rest at the service.
final class PushedShardReader: ShardReader {
    private struct State {
        var queue = AnswerQueue()
        var failure: (any Error)?
        var task: Task<Void, Never>?
        /// Nothing is known of the shard before the first event.
        var hasEvent = false
    }

    private let subscription: ShardSubscription
    private let clock: any Clock<Duration>
    private let state = Mutex(State())
    private let hasNews = WakeSignal()

    init(_ subscription: ShardSubscription, clock: any Clock<Duration>) {
        self.subscription = subscription
        self.clock = clock
    }

    deinit {
        state.withLock(\.task)?.cancel()
    }

    /// How long a read that does not wait gives the first event: until then nothing is known.
    private static let firstEvent = Duration.seconds(10)

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        let stopwatch = Stopwatch(clock: clock)
        while true {
            try Task.checkCancellation()
            let (result, hasEvent, behind) = try state.withLock { state in
                let result = state.queue.take(maxRecords: maxRecords, maxBytes: maxBytes)
                if result == nil, let failure = state.failure {
                    state.failure = nil
                    throw failure
                }
                start(&state)
                return (result, state.hasEvent, state.queue.millisBehindLatest)
            }
            if let result { return result }
            let left = (hasEvent ? wait : max(wait, Self.firstEvent)) - stopwatch.elapsed
            guard left > .zero else {
                return ReadResult(batch: .empty, millisBehindLatest: behind, isEnd: false)
            }
            await hasNews.wait(upTo: left, on: clock)
        }
    }

    /// Not a child of the reading task: records are pushed whether they are read or not, and a cancelled read loses none.
    private func start(_ state: inout State) {
        guard state.task == nil, state.failure == nil, state.queue.hasRoom else { return }
        state.task = Task { [weak self, subscription] in
            while true {
                let event: Result<ReceivedRecords, any Error>
                do { event = .success(try await subscription.next()) } catch { event = .failure(error) }
                guard let self, self.add(event) else { return }
            }
        }
    }

    /// - Returns: Whether there is room for more; until there is again, the connection is not read.
    private func add(_ event: Result<ReceivedRecords, any Error>) -> Bool {
        defer { hasNews.wake() }
        return state.withLock { state in
            switch event {
            case .success(let received):
                state.hasEvent = true
                state.queue.add(received, isEnd: received.hasChildShards)
            case .failure(let error): state.failure = error
            }
            guard state.failure == nil, state.queue.hasRoom else {
                state.task = nil
                return false
            }
            return true
        }
    }
}
