package import Logging
import StreamCore
import Synchronization

/// Invocations of type Event: accepted, then run with Lambda's rules for them.
///
/// After an error of the function, or when it does not start, two more attempts follow, one and two minutes later; while it is
/// throttled, the event is offered again for six hours. They wait in memory: a crash or a shutdown loses those that have not ended. What must
/// not be lost is put into a stream.
package final class EventInvocations: Sendable {
    private struct Event: Sendable {
        let invocation: PayloadInvocation
        let function: FunctionName
        let qualifier: FunctionQualifier?
        /// On the clock, since this was made.
        let accepted: Duration
    }

    private struct Load {
        var events = 0
        var bytes = 0
    }

    private static let maximumEvents = 1_000
    private static let maximumBytes = 64 * 1024 * 1024
    private static let maximumAge = Duration.seconds(6 * 3_600)
    private static let errorPauses = [Duration.seconds(60), .seconds(120)]
    private static let longestThrottlePause = Duration.seconds(300)

    private let invoke: LambdaService.Invoke
    private let elapsed: @Sendable () -> Duration
    private let sleep: @Sendable (Duration) async throws -> Void
    private let logger: Logger
    private let load = Mutex(Load())
    private let arrivals: AsyncStream<Event>
    private let arrival: AsyncStream<Event>.Continuation

    package init(
        invoke: @escaping LambdaService.Invoke,
        clock: some Clock<Duration>,
        logger: Logger
    ) {
        self.invoke = invoke
        self.logger = logger
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
        // What it holds is bounded by `load`.
        (arrivals, arrival) = AsyncStream.makeStream()
    }

    /// How many events have not ended.
    package var count: Int { load.withLock(\.events) }

    /// Takes an event, to be run once somebody runs this.
    ///
    /// - Throws: `TooManyRequestsException` when as many wait as there is room for.
    func accept(
        _ invocation: PayloadInvocation,
        of function: FunctionName,
        _ qualifier: FunctionQualifier?
    ) throws(LambdaError) {
        let bytes = invocation.payload.count
        let hasRoom = load.withLock { load in
            guard load.events < Self.maximumEvents, load.bytes + bytes <= Self.maximumBytes else {
                return false
            }
            load.events += 1
            load.bytes += bytes
            return true
        }
        guard hasRoom else {
            throw LambdaError(
                .tooManyRequests,
                "Rate Exceeded: \(count) events wait already",
                reason: "CallerRateLimitExceeded"
            )
        }
        arrival.yield(
            Event(invocation: invocation, function: function, qualifier: qualifier, accepted: elapsed())
        )
    }

    /// Runs events until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await event in arrivals {
                group.addTask { [self] in
                    await run(event)
                    load.withLock { load in
                        load.events -= 1
                        load.bytes -= event.invocation.payload.count
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func run(_ event: Event) async {
        var failures = 0
        var throttlePause = Duration.seconds(1)
        do {
            while true {
                let result = try await invoke(event.function, event.qualifier, event.invocation)
                switch result.outcome {
                case .answered: return
                case .failed(let failure, _):
                    guard try await pause(after: &failures) else {
                        return drop(event, after: failures, "\(failure)")
                    }
                case .notInvoked(let unavailable):
                    let isOfferedAgain =
                        switch unavailable.kind {
                        case .unavailable: try await pause(after: &failures)
                        case .throttled: try await pause(event, growing: &throttlePause)
                        case .unsupported: false
                        }
                    guard isOfferedAgain else { return drop(event, after: failures, unavailable.reason) }
                }
            }
        } catch {
            drop(event, after: failures, Task.isCancelled ? "the host stops" : "\(error)")
        }
    }

    /// - Returns: Whether there is another attempt.
    private func pause(after failures: inout Int) async throws -> Bool {
        failures += 1
        guard failures <= Self.errorPauses.count else { return false }
        try await sleep(Self.errorPauses[failures - 1])
        return true
    }

    /// - Returns: Whether it may be offered again at its age.
    private func pause(_ event: Event, growing pause: inout Duration) async throws -> Bool {
        guard elapsed() - event.accepted + pause < Self.maximumAge else { return false }
        try await sleep(pause)
        pause = min(pause * 2, Self.longestThrottlePause)
        return true
    }

    private func drop(_ event: Event, after attempts: Int, _ reason: String) {
        logger.error(
            "event dropped",
            metadata: [
                "function": "\(event.function)", "request": "\(event.invocation.requestID)",
                "attempts": "\(attempts)", "reason": "\(reason)",
            ]
        )
    }
}
