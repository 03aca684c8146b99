import FailureDestinations
import Logging
import StreamCore
import Synchronization
import TestSupport

/// An outbox on a clock that stands still, with destinations that do what a test says.
final class OutboxFixture: Sendable {
    struct Try: Hashable, Sendable {
        let id: String
        let target: FailureTarget
        let time: Timestamp
    }

    /// What a destination does with a failure; returning is taking it.
    typealias Behaviour = @Sendable (BatchFailure) async throws -> Void

    let clock = TestClock()
    let memory = MemoryFailureStore()
    let tries = Recorder<Try>()
    let taken = Recorder<Try>()
    /// Those that the outbox has told to be delivered.
    let delivered = Recorder<String>()
    let drain = DrainSignal()
    private let start: TestClock.Instant
    private let behaviours = Mutex<[FailureTarget: Behaviour]>([:])

    init() { start = clock.now }

    /// A destination without behaviour takes everything.
    func set(_ target: FailureTarget, _ behaviour: Behaviour?) {
        behaviours.withLock { $0[target] = behaviour }
    }

    var now: Timestamp {
        let (seconds, attoseconds) = start.duration(to: clock.now).components
        return Timestamp(milliseconds: 1_000_000 + seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }

    /// Stores failures that are due now.
    func commit(_ ids: [String], to target: FailureTarget) {
        memory.add(ids.map { .sample($0, to: target, time: now) })
    }

    func outbox(
        on store: (any FailureStore)? = nil,
        settings change: (inout OutboxSettings) -> Void = { _ in }
    ) -> FailureOutbox {
        var settings = OutboxSettings()
        // Time is moved on in steps while deliveries run; it must not be what ends them.
        settings.deliveryTime = .seconds(100_000_000)
        change(&settings)
        return FailureOutbox(
            store: store ?? memory,
            destination: { [self] target in RecordedDestination(target: target, fixture: self) },
            committed: memory.wake,
            delivered: { [delivered] in delivered.append($0.id) },
            settings: settings,
            clock: clock,
            now: { [self] in now },
            jitter: { 1 },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Runs the outbox during `body` and drains it then.
    func run(_ outbox: FailureOutbox, _ body: () async throws -> Void) async rethrows {
        async let running: Void = outbox.run(until: drain)
        do {
            try await body()
        } catch {
            drain.request()
            await running
            throw error
        }
        drain.request()
        await running
    }

    /// Lets time pass, in steps or to the next thing that is due, until the condition holds, or the test is cancelled for its time limit.
    func passTime(in step: Duration = .seconds(1), until isMet: () async throws -> Bool) async rethrows {
        while try await !isMet(), !Task.isCancelled {
            await clock.waitForSleepers()
            clock.advance(by: step, orToSleeperWithin: .seconds(600))
            await Task.yield()
        }
    }

    func delivery(of id: String) async throws -> StoredFailure.Delivery? {
        try await memory.failure(id)?.delivery
    }

    func isDelivered(_ ids: [String]) async throws -> Bool {
        for id in ids {
            guard case .delivered = try await delivery(of: id) else { return false }
        }
        return true
    }

    private struct RecordedDestination: FailureDestination {
        let target: FailureTarget
        let fixture: OutboxFixture

        func deliver(_ failure: BatchFailure) async throws {
            fixture.tries.append(Try(id: failure.id, target: target, time: fixture.now))
            let behaviour = fixture.behaviours.withLock { $0[target] }
            try await behaviour?(failure)
            fixture.taken.append(Try(id: failure.id, target: target, time: fixture.now))
        }
    }
}

struct Down: Error, CustomStringConvertible {
    var description: String { "down for maintenance" }
}
