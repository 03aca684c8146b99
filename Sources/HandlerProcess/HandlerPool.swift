package import StreamCore

import Logging
import Synchronization

/// The processes of one function: started on demand up to its concurrency limit, and kept.
///
/// Runs until `shutDown`; a pool that is dropped without it keeps its processes.
package final class HandlerPool: HandlerTransport {
    private struct Handler {
        let id: UInt64
        let inbox: HandlerInbox
        var pid: Int32?
        var slot = PoolPlan.Slot(isReady: false)
        var invocations = 0
    }

    private struct State {
        var plan: PoolPlan
        var handlers: [Handler] = []
        var waiting: [PendingInvocation] = []
        var backoff = StartBackoff()
        var nextID: UInt64 = 1
        var uses: UInt64 = 0
        var isShutDown = false
        /// Those who wait for the last handler to end.
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    package let function: FunctionDefinition
    private let settings: HandlerSettings
    private let log: FunctionLog
    private let state: Mutex<State>

    package init(function: FunctionDefinition, settings: HandlerSettings) {
        self.function = function
        self.settings = settings
        log = FunctionLog(
            directory: "\(settings.logDirectory)/\(function.name)",
            limit: settings.logFileBytes,
            logger: settings.logger
        )
        let plan = PoolPlan(
            channelDepth: function.runtime == .swiftPlugin ? PluginChannel.depth : 1,
            concurrencyLimit: function.concurrencyLimit,
            processors: settings.processors
        )
        state = Mutex(State(plan: plan))
    }

    package func invoke(_ records: RecordSelection, context: InvocationContext) async -> InvocationOutcome {
        let invocation = PendingInvocation(records: records, context: context)
        return await withTaskCancellationHandler {
            change { $0.waiting.append(invocation) }
            return await invocation.outcome()
        } onCancel: {
            state.withLock { $0.waiting.removeAll { $0 === invocation } }
            invocation.finish(.notInvoked(HandlerUnavailable(reason: "the call was cancelled")))
        }
    }

    package var status: HandlerStatus {
        let now = settings.elapsed()
        return state.withLock { state in
            HandlerStatus(
                processes: state.handlers.map { handler in
                    HandlerStatus.Process(
                        pid: handler.pid,
                        state: !handler.slot.isReady ? .starting : handler.slot.inFlight == 0 ? .idle : .busy,
                        invocations: handler.invocations
                    )
                },
                waiting: state.waiting.count,
                startFailures: state.backoff.failures,
                startFailure: state.backoff.reason,
                nextAttempt: state.backoff.remaining(at: now)
            )
        }
    }

    /// Takes nothing new, lets the batches in flight finish or time out, then ends every process.
    ///
    /// - Parameter limit: After this long, processes are killed with the batch they have.
    package func shutDown(within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        change { state in
            state.isShutDown = true
            for handler in state.handlers { handler.inbox.stop(by: deadline) }
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.handlers.isEmpty { state.closers.append(continuation) }
                return state.handlers.isEmpty
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: - Assigning

    /// Changes the state, then gives work to whoever can take it now.
    private func change(_ body: (inout State) -> Void) {
        let (refused, reason) = state.withLock { state in
            body(&state)
            return assign(&state)
        }
        for invocation in refused { invocation.finish(.notInvoked(HandlerUnavailable(reason: reason))) }
    }

    /// - Returns: The batches that no process will take, and why.
    private func assign(_ state: inout State) -> (refused: [PendingInvocation], reason: String) {
        guard !state.isShutDown else {
            return (Self.takeAll(&state), "function \(function.name) is shutting down")
        }
        while let next = state.waiting.first {
            // Its caller had given up before it was queued.
            if next.isFinished {
                state.waiting.removeFirst()
                continue
            }
            let now = settings.elapsed()
            let step = state.plan.next(
                state.handlers.map(\.slot),
                waiting: state.waiting.count,
                mayStart: state.backoff.remaining(at: now) == nil
            )
            switch step {
            case .hand(let index):
                // A handler that has just ended is about to be removed; until then it takes nothing.
                guard state.handlers[index].inbox.offer(next) else {
                    state.handlers[index].slot.isReady = false
                    continue
                }
                state.waiting.removeFirst()
                state.uses += 1
                state.handlers[index].slot.inFlight += 1
                state.handlers[index].slot.lastUse = state.uses
            case .start: start(&state)
            case .wait:
                guard state.handlers.isEmpty, let reason = state.backoff.reason else { return ([], "") }
                return (Self.takeAll(&state), unavailable(reason, state.backoff.remaining(at: now)))
            }
        }
        return ([], "")
    }

    private static func takeAll(_ state: inout State) -> [PendingInvocation] {
        defer { state.waiting = [] }
        return state.waiting
    }

    private func unavailable(_ reason: String, _ remaining: Duration?) -> String {
        let start = "function \(function.name) cannot start: \(reason)"
        return remaining.map { "\(start) (next attempt in \($0.formatted()))" } ?? start
    }

    // MARK: - Handlers

    private func start(_ state: inout State) {
        let id = state.nextID
        state.nextID += 1
        do {
            let inbox = try HandlerInbox()
            // The process dies with this thread, which ends when the process has.
            try HandlerThread.start { [self] in run(id, inbox) }
            state.handlers.append(Handler(id: id, inbox: inbox))
        } catch {
            state.backoff.failed("\(error)", at: settings.elapsed())
        }
    }

    private func run(_ id: UInt64, _ inbox: HandlerInbox) {
        let reports = HandlerReports(
            started: { pid in self.update(id) { $0.pid = pid } },
            ready: { self.becameReady(id) },
            slow: { self.change { $0.plan.took(PoolPlan.slowAfter * 2) } },
            answered: { self.answered(id, after: $0) }
        )
        let ending: HandlerEnding
        do {
            let loop = try HandlerLoop(function, settings: settings, log: log, inbox: inbox, reports: reports)
            ending = loop.run()
        } catch {
            ending = HandlerEnding(startFailure: error.reason, unstarted: inbox.close())
        }
        ended(id, ending)
    }

    private func update(_ id: UInt64, _ body: (inout Handler) -> Void) {
        state.withLock { state in
            guard let index = state.handlers.firstIndex(where: { $0.id == id }) else { return }
            body(&state.handlers[index])
        }
    }

    private func becameReady(_ id: UInt64) {
        change { state in
            guard let index = state.handlers.firstIndex(where: { $0.id == id }) else { return }
            state.handlers[index].slot.isReady = true
            state.backoff.succeeded()
        }
    }

    private func answered(_ id: UInt64, after duration: Duration) {
        change { state in
            guard let index = state.handlers.firstIndex(where: { $0.id == id }) else { return }
            state.handlers[index].slot.inFlight -= 1
            state.handlers[index].invocations += 1
            state.plan.took(duration)
        }
    }

    private func ended(_ id: UInt64, _ ending: HandlerEnding) {
        if let reason = ending.startFailure {
            settings.logger.warning(
                "handler not started",
                metadata: ["function": "\(function.name)", "reason": "\(reason)"]
            )
        }
        var closers: [CheckedContinuation<Void, Never>] = []
        change { state in
            state.handlers.removeAll { $0.id == id }
            if let reason = ending.startFailure { state.backoff.failed(reason, at: settings.elapsed()) }
            // They were first in line when they were handed out.
            state.waiting.insert(contentsOf: ending.unstarted.filter { !$0.isFinished }, at: 0)
            if state.handlers.isEmpty {
                closers = state.closers
                state.closers = []
            }
        }
        for closer in closers { closer.resume() }
    }
}
