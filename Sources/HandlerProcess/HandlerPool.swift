package import StreamCore

import ByteCoding
import FunctionLogs
import Logging
import Synchronization

/// The processes of one function: started on demand up to its concurrency limit, and kept.
///
/// Runs until `shutDown`; a pool that is dropped without it keeps its processes.
package final class HandlerPool: HandlerTransport {
    package let function: FunctionDefinition
    /// What the processes run as: `$LATEST` or a version's number.
    package let version: FunctionQualifier
    private let settings: HandlerSettings
    private let log: FunctionLog
    private let state: Mutex<PoolState>

    /// - Parameter concurrencyLimit: Most processes at a time, instead of what the definition says; 0 throttles
    ///   every invocation.
    package init(
        function: FunctionDefinition,
        settings: HandlerSettings,
        version: FunctionQualifier = .latest,
        concurrencyLimit: Int? = nil
    ) {
        self.function = function
        self.version = version
        self.settings = settings
        log = settings.logs.log(of: function.name)
        let plan = PoolPlan(
            channelDepth: function.runtime == .swiftPlugin ? PluginChannel.depth : 1,
            concurrencyLimit: concurrencyLimit ?? function.concurrencyLimit,
            processors: settings.processors
        )
        state = Mutex(PoolState(plan: plan, function: function.name))
    }

    package func invoke(_ invocation: Invocation) async -> InvocationResult {
        let result = await perform(.batch(invocation))
        return InvocationResult(result.outcome, executedVersion: version, logTail: result.logTail)
    }

    /// Hands the function an event that somebody sent, for Lambda's Invoke.
    ///
    /// Like `invoke`, but it does not wait behind other invocations: when as many run as may, it is throttled.
    package func invoke(payload invocation: PayloadInvocation) async -> PayloadResult {
        let result = await perform(.payload(invocation))
        let outcome: PayloadResult.Outcome =
            switch result.outcome {
            case .answered(let body): .answered(body)
            case .succeeded, .succeededBefore: .answered([])
            case .notInvoked(let unavailable): .notInvoked(unavailable)
            case .failed(let failure):
                .failed(failure, body: result.errorBody ?? failure.body(requestID: invocation.requestID))
            }
        return PayloadResult(outcome, executedVersion: version, logTail: result.logTail)
    }

    private func perform(_ work: Work) async -> WorkResult {
        let invocation = PendingInvocation(work)
        return await withTaskCancellationHandler {
            if let refusal = enqueue(invocation) { return refusal }
            return await invocation.result()
        } onCancel: {
            state.withLock { $0.waiting.removeAll { $0 === invocation } }
            invocation.finish(.notInvoked(.unavailable, "the call was cancelled"))
        }
    }

    /// - Returns: Why the work cannot even wait; `nil` when it is in the queue.
    private func enqueue(_ invocation: PendingInvocation) -> WorkResult? {
        if invocation.work.isPayload, function.runtime == .swiftPlugin {
            let reason =
                "function \(function.name) is a Swift plugin: it takes records of a stream, not events"
            return .notInvoked(.unsupported, reason)
        }
        var refusal: WorkResult?
        change { state in
            let slots = state.handlers.map(\.slot)
            let waiting = state.waiting.count { !$0.isFinished }
            if state.plan.concurrencyLimit == 0 {
                let reason = "function \(function.name) is throttled: its reserved concurrency is 0"
                refusal = .notInvoked(.throttled, reason)
            } else if invocation.work.isPayload, state.plan.isFull(slots, waiting: waiting) {
                let limit = state.plan.concurrencyLimit
                let reason =
                    "function \(function.name) is throttled: \(limit) invocations run, and no more may"
                refusal = .notInvoked(.throttled, reason)
            } else {
                state.waiting.append(invocation)
            }
        }
        return refusal
    }

    /// Changes how many processes there may be; those that are too many end with the batch they have.
    package func setConcurrencyLimit(_ limit: Int) {
        change { state in
            state.plan.concurrencyLimit = limit
            for handler in state.handlers.dropFirst(limit) { handler.inbox.stop(by: .now + function.timeout) }
        }
    }

    /// Starts a process, unless one is ready, and waits until it can take work.
    ///
    /// Counts neither against the concurrency limit nor waits for a failed start's back-off.
    ///
    /// - Returns: Why it does not start; `nil` when it has.
    package func warm() async -> String? {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> String?? in
                if state.isShutDown { return "function \(function.name) is shutting down" }
                if state.handlers.contains(where: \.slot.isReady) { return .some(nil) }
                if state.handlers.isEmpty { start(&state) }
                if state.handlers.isEmpty { return state.backoff.reason }
                state.warmers.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
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

    /// Changes the state, then gives work to whoever can take it now.
    private func change(_ body: (inout PoolState) -> Void) {
        let refused = state.withLock { state in
            body(&state)
            return state.assign(at: settings.elapsed, start: start)
        }
        for invocation in refused.work { invocation.finish(refused.result) }
    }

    // MARK: - Handlers

    private func start(_ state: inout PoolState) {
        let id = state.nextID
        state.nextID += 1
        do {
            let inbox = try HandlerInbox()
            // The process dies with this thread, which ends when the process has.
            try HandlerThread.start { [self] in run(id, inbox) }
            state.handlers.append(PoolState.Handler(id: id, inbox: inbox))
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
            let loop = try HandlerLoop(
                function,
                version: version,
                settings: settings,
                log: log,
                inbox: inbox,
                reports: reports
            )
            ending = loop.run()
        } catch {
            ending = HandlerEnding(startFailure: error.reason, unstarted: inbox.close())
        }
        ended(id, ending)
    }

    private func update(_ id: UInt64, _ body: (inout PoolState.Handler) -> Void) {
        state.withLock { state in
            guard let index = state.handlers.firstIndex(where: { $0.id == id }) else { return }
            body(&state.handlers[index])
        }
    }

    private func becameReady(_ id: UInt64) {
        var warmers: [CheckedContinuation<String?, Never>] = []
        change { state in
            guard let index = state.handlers.firstIndex(where: { $0.id == id }) else { return }
            state.handlers[index].slot.isReady = true
            state.backoff.succeeded()
            warmers = state.warmers
            state.warmers = []
        }
        for warmer in warmers { warmer.resume(returning: nil) }
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
        var warmers: [CheckedContinuation<String?, Never>] = []
        change { state in
            state.handlers.removeAll { $0.id == id }
            if let reason = ending.startFailure { state.backoff.failed(reason, at: settings.elapsed()) }
            // They were first in line when they were handed out.
            state.waiting.insert(contentsOf: ending.unstarted.filter { !$0.isFinished }, at: 0)
            if state.handlers.isEmpty {
                (closers, warmers) = (state.closers, state.warmers)
                (state.closers, state.warmers) = ([], [])
            }
        }
        for closer in closers { closer.resume() }
        let reason = ending.startFailure ?? "its process was ended before it was ready"
        for warmer in warmers { warmer.resume(returning: reason) }
    }
}

extension HandlerFailure {
    /// As it stands in the answer to Invoke.
    fileprivate func body(requestID: String) -> [UInt8] {
        var body = ByteWriter(capacity: 256)
        body.append(#"{"errorType":"#)
        body.append(jsonString: errorType)
        body.append(#","errorMessage":"#)
        body.append(jsonString: errorMessage(requestID: requestID))
        body.append("}")
        return body.bytes
    }
}
