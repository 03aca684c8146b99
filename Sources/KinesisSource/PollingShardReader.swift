import KinesisWire
import StreamCore
import Synchronization

/// Reads a shard by GetRecords, and has the next answer on its way while the records of the last are handled.
final class PollingShardReader: ShardReader {
    private let ahead: FetchAhead
    private let pacing: KinesisPacing
    private let crowd: ReaderCrowd
    private let clock: any Clock<Duration>

    init(_ poller: ShardPoller, pacing: KinesisPacing, crowd: ReaderCrowd, clock: any Clock<Duration>) {
        ahead = FetchAhead(poller, clock: clock)
        self.pacing = pacing
        self.crowd = crowd
        self.clock = clock
        crowd.join()
    }

    deinit {
        ahead.stop()
        crowd.leave()
    }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        let stopwatch = Stopwatch(clock: clock)
        var hasAsked = false
        while true {
            try Task.checkCancellation()
            if let result = try ahead.take(maxRecords: maxRecords, maxBytes: maxBytes) { return result }
            let left = wait - stopwatch.elapsed
            if hasAsked, left <= .zero { return ahead.nothing }
            // Whoever does not wait asks at once; the others ask now and then.
            let pause = left > .zero ? min(left, ahead.pause(crowd.idleInterval(pacing))) : .zero
            if pause > .zero {
                try await clock.sleep(for: pause)
                if stopwatch.elapsed >= wait { return ahead.nothing }
            }
            try await ahead.fetch()
            hasAsked = true
        }
    }
}

/// Fetches answers on a task of its own, up to what the queue has room for.
private final class FetchAhead: Sendable {
    private struct State {
        var queue = AnswerQueue()
        var failure: (any Error)?
        var task: Task<Void, Never>?
        var waiter: CheckedContinuation<Void, Never>?
        /// When there was nothing more to read.
        var idleSince: Duration?
        var isStopped = false

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            defer { waiter = nil }
            return waiter
        }
    }

    private let poller: ShardPoller
    private let stopwatch: Stopwatch
    private let state = Mutex(State())

    init(_ poller: ShardPoller, clock: any Clock<Duration>) {
        self.poller = poller
        stopwatch = Stopwatch(clock: clock)
    }

    /// What a read gives that found no record.
    var nothing: ReadResult {
        let behind = state.withLock { $0.queue.millisBehindLatest }
        return ReadResult(batch: .empty, millisBehindLatest: behind, isEnd: false)
    }

    /// - Returns: `nil` when nothing was fetched yet.
    /// - Throws: What the last fetch failed with, once; the next begins where that one did.
    func take(maxRecords: Int, maxBytes: Int) throws -> ReadResult? {
        try state.withLock { state in
            if let result = state.queue.take(maxRecords: maxRecords, maxBytes: maxBytes) {
                if state.queue.isBehind, state.failure == nil { start(&state) }
                return result
            }
            defer { state.failure = nil }
            if let failure = state.failure { throw failure }
            return nil
        }
    }

    /// How long the shard, which had nothing more, is left alone before it is asked again.
    func pause(_ interval: Duration) -> Duration {
        state.withLock { state in
            guard state.task == nil, let since = state.idleSince else { return .zero }
            return since + interval - stopwatch.elapsed
        }
    }

    /// Returns when an answer has come, or the task is cancelled.
    func fetch() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state -> Bool in
                    if !state.queue.isEmpty || state.failure != nil || Task.isCancelled { return true }
                    start(&state)
                    if state.task == nil { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWaiter() }?.resume()
        }
        try Task.checkCancellation()
    }

    func stop() {
        let (task, waiter) = state.withLock { state in
            state.isStopped = true
            return (state.task, state.takeWaiter())
        }
        task?.cancel()
        waiter?.resume()
    }

    /// Not a child of the reading task: it goes on while what was read is handled, and a cancelled read loses nothing.
    private func start(_ state: inout State) {
        guard state.task == nil, state.queue.hasRoom, !state.isStopped else { return }
        state.task = Task { await run() }
    }

    private func run() async {
        while true {
            let fetched: Result<ReceivedRecords, any Error>
            do { fetched = .success(try await poller.fetch()) } catch { fetched = .failure(error) }
            let (goesOn, waiter) = state.withLock { state in
                (add(fetched, to: &state), state.takeWaiter())
            }
            waiter?.resume()
            if !goesOn { return }
        }
    }

    /// - Returns: Whether to fetch more at once.
    private func add(_ fetched: Result<ReceivedRecords, any Error>, to state: inout State) -> Bool {
        switch fetched {
        case .success(let answer):
            state.queue.add(answer, isEnd: answer.nextShardIterator == nil)
            state.idleSince = state.queue.isBehind ? nil : stopwatch.elapsed
            if !answer.batch.isEmpty, state.queue.isBehind, state.queue.hasRoom, !state.isStopped {
                return true
            }
        case .failure(let error): state.failure = error
        }
        state.task = nil
        return false
    }
}
