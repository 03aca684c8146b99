/// The time of a run: it stands still while anything can run, and then jumps to when the next sleeper wakes.
final class Timeline: @unchecked Sendable {
    /// Nanoseconds since the start of the run.
    typealias Nanoseconds = Int64

    private struct Sleeper {
        let id: Int
        let clock: SimulatedClock
        /// On its clock.
        let deadline: Nanoseconds
        /// On the timeline; never, while its clock stands still.
        var due: Nanoseconds
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private(set) var now: Nanoseconds = 0
    private var sleepers: [Sleeper] = []
    private var nextSleeper = 0
    private var cancelled: Set<Int> = []

    var isEmpty: Bool { sleepers.isEmpty }

    /// - Returns: `false` when nobody sleeps whom time would wake.
    func jump() -> Bool {
        var due = Nanoseconds.max
        for sleeper in sleepers where sleeper.due < due { due = sleeper.due }
        guard due < .max else { return false }
        now = max(now, due)
        var index = 0
        while index < sleepers.count {
            if sleepers[index].due <= now {
                sleepers.remove(at: index).continuation.resume(returning: true)
            } else {
                index += 1
            }
        }
        return true
    }

    /// Sleeps until the time has come on this clock, or the task is cancelled.
    func sleep(until deadline: Nanoseconds, on clock: SimulatedClock) async throws {
        if Task.isCancelled { throw CancellationError() }
        if deadline <= clock.nanoseconds { return }
        nextSleeper += 1
        let id = nextSleeper
        let isOver = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if cancelled.remove(id) != nil { return continuation.resume(returning: false) }
                add(id, clock, deadline, continuation)
            }
        } onCancel: {
            guard let index = sleepers.firstIndex(where: { $0.id == id }) else {
                cancelled.insert(id)
                return
            }
            sleepers.remove(at: index).continuation.resume(returning: false)
        }
        if !isOver { throw CancellationError() }
    }

    /// Sleeps whether the task is cancelled or not.
    func sleepThrough(_ time: Nanoseconds, on clock: SimulatedClock) async {
        guard time > 0 else { return }
        nextSleeper += 1
        let (id, deadline) = (nextSleeper, clock.nanoseconds + time)
        _ = await withUnsafeContinuation { add(id, clock, deadline, $0) }
    }

    /// Finds out anew when the sleepers of a clock wake: it was stopped, or goes on.
    fileprivate func reschedule(_ clock: SimulatedClock) {
        for index in sleepers.indices where sleepers[index].clock === clock {
            sleepers[index].due = clock.time(of: sleepers[index].deadline)
        }
    }

    private func add(
        _ id: Int,
        _ clock: SimulatedClock,
        _ deadline: Nanoseconds,
        _ continuation: UnsafeContinuation<Bool, Never>
    ) {
        let due = clock.time(of: deadline)
        sleepers.append(
            Sleeper(id: id, clock: clock, deadline: deadline, due: due, continuation: continuation)
        )
    }
}

/// A worker's clock on the timeline: it may run fast or slow, and stands still while its machine is suspended.
final class SimulatedClock: Clock, @unchecked Sendable {
    struct Instant: InstantProtocol {
        let offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    /// An hour: no run lasts as long.
    private static let longestSleep: Timeline.Nanoseconds = 3_600_000_000_000

    let timeline: Timeline
    /// How much faster it runs than time does, in millionths.
    private let drift: Int64
    private var base: Timeline.Nanoseconds = 0
    private var since: Timeline.Nanoseconds
    private var isStopped = false

    init(on timeline: Timeline, drift: Int64 = 0) {
        self.timeline = timeline
        self.drift = drift
        since = timeline.now
    }

    var now: Instant { Instant(offset: .nanoseconds(nanoseconds)) }
    var minimumResolution: Duration { .nanoseconds(1) }

    var nanoseconds: Timeline.Nanoseconds {
        if isStopped { return base }
        let passed = timeline.now - since
        return base + passed + passed * drift / 1_000_000
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await timeline.sleep(until: deadline.offset.inNanoseconds, on: self)
    }

    func stop() {
        base = nanoseconds
        isStopped = true
        timeline.reschedule(self)
    }

    func goOn() {
        guard isStopped else { return }
        since = timeline.now
        isStopped = false
        timeline.reschedule(self)
    }

    /// When it shows this time, at the earliest.
    func time(of reading: Timeline.Nanoseconds) -> Timeline.Nanoseconds {
        if isStopped { return .max }
        let left = min(max(0, reading - base), Self.longestSleep)
        // Rounded up: nobody wakes before its time.
        return since + left * 1_000_000 / (1_000_000 + drift) + 2
    }
}

extension Duration {
    var inNanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
