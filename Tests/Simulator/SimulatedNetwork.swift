import StreamCore

/// The way from one worker to the services around it: calls are on their way for a while, and outlive who made them.
final class SimulatedNetwork: Sendable {
    private let world: World

    init(_ world: World) {
        self.world = world
    }

    /// How a call fares.
    struct Fate {
        /// Until it arrives, and until its answer does.
        var there: Timeline.Nanoseconds = 0
        var back: Timeline.Nanoseconds = 0
        var isLostOnTheWay = false
        var isAnswerLost = false
        /// A client that heard nothing has sent it again.
        var isDoubled = false

        var isPrompt: Bool { there == 0 && back == 0 && !isLostOnTheWay && !isAnswerLost && !isDoubled }
    }

    /// Carries a call out.
    ///
    /// - Throws: `CancellationError` when the caller was cancelled; the call arrives all the same.
    func call<Value: Sendable>(
        _ fate: Fate,
        failure: any Error,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if fate.isPrompt { return try await body() }
        let answer = LateAnswer<Value>()
        _ = world.queue.start(as: 0) { [world] in
            await world.timeline.sleepThrough(fate.there, on: world.clock)
            if fate.isLostOnTheWay { return answer.give(.failure(failure)) }
            var result = await Self.result(of: body)
            if fate.isDoubled { result = await Self.result(of: body) }
            await world.timeline.sleepThrough(fate.back, on: world.clock)
            answer.give(fate.isAnswerLost ? .failure(failure) : result)
        }
        return try await answer.value()
    }

    private static func result<Value>(of body: () async throws -> Value) async -> Result<Value, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}

/// An answer that comes whether anybody still waits for it or not.
private final class LateAnswer<Value: Sendable>: @unchecked Sendable {
    private var result: Result<Value, any Error>?
    private var waiter: UnsafeContinuation<Value, any Error>?

    func give(_ result: Result<Value, any Error>) {
        self.result = result
        waiter?.resume(with: result)
        waiter = nil
    }

    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if let result { return continuation.resume(with: result) }
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                waiter = continuation
            }
        } onCancel: {
            waiter?.resume(throwing: CancellationError())
            waiter = nil
        }
    }
}

/// What a service answers that is not there.
struct Outage: Error, CustomStringConvertible {
    var description: String { "simulated outage" }
}
