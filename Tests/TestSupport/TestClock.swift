import Synchronization

/// A clock that stands still until a test advances it.
public final class TestClock: Clock, Sendable {
    public struct Instant: InstantProtocol {
        let offset: Duration

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant(offset: .zero)
        var nextSleeper = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var waitingForSleepers: [Int: (count: Int, continuation: CheckedContinuation<Void, Never>)] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    public var now: Instant { state.withLock(\.now) }
    public var minimumResolution: Duration { .nanoseconds(1) }

    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(Sleeper(deadline: deadline, continuation: continuation), as: id)
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let sleeper = state.sleepers.removeValue(forKey: id) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func add(_ sleeper: Sleeper, as id: Int) {
        enum Fate { case done, cancelled, asleep }
        let (fate, observers) = state.withLock { state -> (Fate, [CheckedContinuation<Void, Never>]) in
            if state.cancelled.remove(id) != nil { return (.cancelled, []) }
            if sleeper.deadline <= state.now { return (.done, []) }
            state.sleepers[id] = sleeper
            let met = state.waitingForSleepers.filter { $0.value.count <= state.sleepers.count }
            for id in met.keys { state.waitingForSleepers[id] = nil }
            return (.asleep, met.values.map(\.continuation))
        }
        switch fate {
        case .done: sleeper.continuation.resume()
        case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
        case .asleep: for observer in observers { observer.resume() }
        }
    }

    /// Moves time on and wakes everyone whose time has come, earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state -> [Sleeper] in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers.removeValue(forKey: id) }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Moves time on by `step`, or to when the first sleeper is to wake: nothing happens in between.
    ///
    /// A sleeper whose time comes later than `limit` does not count: it guards something that is under way.
    public func advance(by step: Duration, orToSleeperWithin limit: Duration) {
        let waits = state.withLock { state in
            state.sleepers.values.map { state.now.duration(to: $0.deadline) }
        }
        advance(by: max(step, waits.min().flatMap { $0 <= limit ? $0 : nil } ?? .zero))
    }

    /// Moves time on by `step` whenever somebody sleeps, until `work` is over.
    public func letPass<Value: Sendable>(
        _ step: Duration,
        during work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                while true {
                    await self.waitForSleepers()
                    guard !Task.isCancelled else { return nil }
                    self.advance(by: step)
                }
            }
            // The other ends only when it is cancelled.
            defer { group.cancelAll() }
            guard let value = try await group.next() ?? nil else { throw CancellationError() }
            return value
        }
    }

    /// How many tasks sleep on this clock.
    public var sleeperCount: Int { state.withLock(\.sleepers.count) }

    /// Waits until at least `count` tasks sleep on this clock, so that advancing it wakes them.
    ///
    /// Returns early when the test is cancelled for its time limit.
    public func waitForSleepers(_ count: Int = 1) async {
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isMet = state.withLock { state -> Bool in
                    if state.sleepers.count >= count || Task.isCancelled { return true }
                    state.waitingForSleepers[id] = (count, continuation)
                    return false
                }
                if isMet { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waitingForSleepers.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
