import StreamCore
import Synchronization

/// Wakes readers when their waits are over.
///
/// One task sleeps for all of them: a log of thousands of idle shards has thousands of readers that wait.
final class Alarms: Sendable {
    struct Alarm: Comparable, Sendable {
        let time: Duration
        let id: Int

        static func < (left: Alarm, right: Alarm) -> Bool { (left.time, left.id) < (right.time, right.id) }
    }

    private struct Entry {
        let alarm: Alarm
        let signal: WakeSignal
    }

    private struct Sleeper {
        let alarm: Alarm
        let task: Task<Void, Never>
    }

    private struct State {
        /// In the order of their times; most waits are equally long, so that they are added at the end.
        var entries: [Entry] = []
        var nextID = 0
        var sleeper: Sleeper?

        /// Where the alarm is, or belongs.
        func place(of alarm: Alarm) -> Int {
            if let last = entries.last, last.alarm < alarm { return entries.count }
            var (low, high) = (0, entries.count)
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].alarm < alarm { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// Those that follow an alarm closely are woken together.
    private static let leastSleep = Duration.milliseconds(10)

    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    private let state = Mutex(State())

    init(clock: any Clock<Duration>) {
        self.clock = clock
        stopwatch = Stopwatch(clock: clock)
    }

    deinit {
        state.withLock(\.sleeper)?.task.cancel()
    }

    /// Wakes `signal` after this time, unless `remove` is called before.
    func set(for signal: WakeSignal, in wait: Duration) -> Alarm {
        let (alarm, replaced) = state.withLock { state -> (Alarm, Sleeper?) in
            state.nextID += 1
            let alarm = Alarm(time: stopwatch.elapsed + wait, id: state.nextID)
            state.entries.insert(Entry(alarm: alarm, signal: signal), at: state.place(of: alarm))
            // A sleeper that wakes too early sleeps on.
            if let sleeper = state.sleeper, sleeper.alarm < alarm { return (alarm, nil) }
            defer { state.sleeper = makeSleeper(until: alarm, wait) }
            return (alarm, state.sleeper)
        }
        replaced?.task.cancel()
        return alarm
    }

    func remove(_ alarm: Alarm) {
        state.withLock { state in
            let place = state.place(of: alarm)
            guard place < state.entries.count, state.entries[place].alarm == alarm else { return }
            state.entries.remove(at: place)
        }
    }

    func isOver(_ alarm: Alarm) -> Bool { stopwatch.elapsed >= alarm.time }

    private func makeSleeper(until alarm: Alarm, _ wait: Duration) -> Sleeper {
        // It outlives the wait that it was made for, and must not keep a closed log alive.
        let task = Task.detached { [weak self, clock] in
            do { try await clock.sleep(for: wait) } catch { return }
            self?.ring(alarm)
        }
        return Sleeper(alarm: alarm, task: task)
    }

    private func ring(_ alarm: Alarm) {
        let due = state.withLock { state -> [Entry] in
            guard state.sleeper?.alarm == alarm else { return [] }
            let now = stopwatch.elapsed
            // An array of their own: a slice would make the removal copy all others.
            let due = Array(state.entries.prefix { $0.alarm.time <= now })
            state.entries.removeFirst(due.count)
            state.sleeper = state.entries.first.map { next in
                makeSleeper(until: next.alarm, max(Self.leastSleep, next.alarm.time - now))
            }
            return due
        }
        for entry in due { entry.signal.wake() }
    }
}
