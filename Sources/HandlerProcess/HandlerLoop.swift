import Glibc
import HandlerWire
import StreamCore

/// Runs one handler process from its start to its end, on the thread that calls it.
///
/// One thread blocks in `poll` for everything that concerns the process: new batches, its answers, its output, its
/// end. Measured against event loops, this is twice as fast for large frames.
final class HandlerLoop {
    private struct InFlight {
        let number: UInt64
        let invocation: PendingInvocation
        /// When the function got it: handed over, and the batch before it answered.
        var start: ContinuousClock.Instant
    }

    private let function: FunctionDefinition
    private let inbox: HandlerInbox
    private let reports: HandlerReports
    private let channel: any HandlerChannel
    private let process: SpawnedProcess
    private var output: OutputCapture
    private var errors: OutputCapture
    private let startDeadline: ContinuousClock.Instant
    private var isReady = false
    /// It answered a batch or failed one; a process that never does has not really started.
    private var hasWorked = false
    private var inFlight: [InFlight] = []
    private var nextNumber: UInt64 = 1
    private var stopBy: ContinuousClock.Instant?
    private var descriptors: [pollfd] = []

    /// Starts the process.
    init(
        _ function: FunctionDefinition,
        settings: HandlerSettings,
        log: FunctionLog,
        inbox: HandlerInbox,
        reports: HandlerReports
    ) throws(StartFailure) {
        self.function = function
        self.inbox = inbox
        self.reports = reports
        let address: String?
        do throws(SystemCallFailure) {
            switch function.runtime {
            case .swiftPlugin:
                channel = try PluginChannel()
                address = nil
            case .provided, .python:
                let runtime = try LambdaRuntimeChannel(names: settings.names)
                channel = runtime
                address = runtime.address
            }
        } catch {
            throw StartFailure(reason: "no channel for a process of \(function.name): \(error)")
        }
        let plan = try LaunchPlan(function, settings: settings, runtimeAPI: address)
        process = try SpawnedProcess(plan, channel: channel.handlerDescriptor)
        channel.closeHandlerDescriptor()
        output = OutputCapture(log: log)
        errors = OutputCapture(log: log)
        startDeadline = .now + settings.startTimeout
        reports.started(process.pid)
    }

    /// Serves until the process has ended, by itself or because it must.
    func run() -> HandlerEnding {
        while true {
            takeOrders()
            if let cause = due() { return end(cause) }
            let hasEnded = wait()
            inbox.unpark()
            // Lines first, so that they are written under the request that was in flight when they were.
            captureOutput()
            if hasEnded { return end(.exited) }
            for event in channel.serve(descriptors[4...]) {
                if let cause = handle(event) { return end(cause) }
            }
        }
    }

    private func takeOrders() {
        while true {
            let orders = inbox.take()
            stopBy = orders.stopBy
            for invocation in orders.invocations { send(invocation) }
            if orders.invocations.isEmpty { return }
        }
    }

    private func send(_ invocation: PendingInvocation) {
        let number = nextNumber
        nextNumber += 1
        inFlight.append(InFlight(number: number, invocation: invocation, start: .now))
        let events = channel.send(
            ChannelInvocation(
                number: number,
                records: invocation.records,
                context: invocation.context,
                timeout: function.timeout
            )
        )
        for event in events { _ = handle(event) }
    }

    // MARK: - Time

    /// Why the process must end now, if it must.
    private func due() -> EndCause? {
        if let stopBy, inFlight.isEmpty || stopBy <= .now { return .stopped }
        if !isReady {
            return startDeadline <= .now ? .startFailed("the process did not ask for work in time") : nil
        }
        guard let first = inFlight.first, first.start + function.timeout <= .now else { return nil }
        return .timedOut(number: first.number)
    }

    /// When to look at the time again; `nil` when nothing is due.
    private var nextDue: ContinuousClock.Instant? {
        var moments: [ContinuousClock.Instant] = []
        if let stopBy { moments.append(stopBy) }
        if !isReady { moments.append(startDeadline) }
        if let first = inFlight.first {
            moments.append(first.start + function.timeout)
            let slow = first.start + PoolPlan.slowAfter
            // Others may wait behind a slow batch for a process that can start when the back-off is over; while every
            // process is busy, nothing but this makes the pool look.
            moments.append(slow > .now ? slow : .now + PoolPlan.lookAgainAfter)
        }
        if let moment = channel.nextDue { moments.append(moment) }
        return moments.min()
    }

    // MARK: - Waiting

    /// Blocks until something happens or is due.
    ///
    /// - Returns: Whether the process has ended.
    private func wait() -> Bool {
        descriptors.removeAll(keepingCapacity: true)
        descriptors.append(pollfd(fd: inbox.wakeUp.number, events: Int16(POLLIN), revents: 0))
        descriptors.append(pollfd(fd: process.end.number, events: Int16(POLLIN), revents: 0))
        // A negative number is passed over.
        let outputNumber = output.isOpen ? process.output.number : -1
        let errorsNumber = errors.isOpen ? process.errors.number : -1
        descriptors.append(pollfd(fd: outputNumber, events: Int16(POLLIN), revents: 0))
        descriptors.append(pollfd(fd: errorsNumber, events: Int16(POLLIN), revents: 0))
        channel.appendDescriptors(to: &descriptors)

        let due = nextDue
        let timeout = due.map { max(0, ContinuousClock.now.duration(to: $0).milliseconds + 1) } ?? -1
        poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: timeout))
        if descriptors[0].revents != 0 { inbox.acknowledge() }
        if let first = inFlight.first, first.start + PoolPlan.slowAfter <= .now { reports.slow() }
        return descriptors[1].revents != 0
    }

    private func captureOutput() {
        let requestID = inFlight.first?.invocation.context.requestID
        if descriptors[2].revents != 0 { output.capture(process.output, requestID: requestID) }
        if descriptors[3].revents != 0 { errors.capture(process.errors, requestID: requestID) }
    }

    // MARK: - Answers

    private func handle(_ event: ChannelEvent) -> EndCause? {
        switch event {
        case .ready:
            isReady = true
            reports.ready()
        case .startFailed(let reason): return .startFailed(reason)
        case .closed: return .exited
        case .broken(let reason): return .broken(reason)
        case .answered(let number, let outcome):
            guard let first = inFlight.first, first.number == number else {
                return .broken("an answer to invocation \(number), which is not the one that runs")
            }
            answer(outcome)
        }
        return nil
    }

    private func answer(_ outcome: InvocationOutcome) {
        let answered = inFlight.removeFirst()
        let now = ContinuousClock.now
        if !inFlight.isEmpty { inFlight[0].start = max(inFlight[0].start, now) }
        reports.answered(answered.start.duration(to: now))
        hasWorked = true
        answered.invocation.finish(outcome)
    }

    // MARK: - The end

    private enum EndCause {
        case stopped
        case exited
        case timedOut(number: UInt64)
        case startFailed(String)
        case broken(String)
    }

    private func end(_ cause: EndCause) -> HandlerEnding {
        let status = process.endNow()
        let cause = takeLastWords(cause)
        let requestID = inFlight.first?.invocation.context.requestID
        output.finish(process.output, requestID: requestID)
        errors.finish(process.errors, requestID: requestID)

        if let first = inFlight.first, let failure = failure(of: first, cause, status) {
            inFlight.removeFirst()
            hasWorked = true
            first.invocation.finish(.failed(failure))
        }
        let unstarted = inFlight.map(\.invocation) + inbox.close()
        return HandlerEnding(startFailure: startFailure(cause, status), unstarted: unstarted)
    }

    /// Reads what the process wrote before it ended: a batch that it answered is done and must not run again.
    ///
    /// - Returns: The cause, or the reason for the end that the process gave itself.
    private func takeLastWords(_ cause: EndCause) -> EndCause {
        if case .broken = cause { return cause }
        var cause = cause
        for event in channel.drain() {
            switch event {
            case .answered(let number, let outcome) where inFlight.first?.number == number: answer(outcome)
            case .startFailed(let reason): cause = .startFailed(reason)
            case .ready: isReady = true
            case .answered, .broken, .closed: break
            }
        }
        return cause
    }

    /// What the end means for the batch that was running; `nil` when it was not.
    ///
    /// A process that ends or hangs before it has read the whole batch spends an attempt too: it would do so with
    /// the same batch for ever.
    private func failure(of first: InFlight, _ cause: EndCause, _ status: ExitStatus) -> HandlerFailure? {
        if case .timedOut(let number) = cause {
            // Or another batch's time was over, and its answer came with the last words.
            return number == first.number ? .timedOut(after: function.timeout) : nil
        }
        guard channel.hasBegun(first.number) else { return nil }
        switch cause {
        case .timedOut: return nil
        case .broken(let reason): return .malformedReply(reason: reason)
        case .stopped, .exited, .startFailed: return .exited(status, stderrTail: errors.tailText)
        }
    }

    private func startFailure(_ cause: EndCause, _ status: ExitStatus) -> String? {
        switch cause {
        case _ where hasWorked: return nil
        case .stopped, .timedOut: return nil
        case .startFailed(let reason), .broken(let reason): return withLastWords(reason)
        case .exited:
            if errors.tailText.hasSuffix("No module named awslambdaric") {
                return
                    "\(errors.tailText): install it with pip install awslambdaric, or choose a Python that has it"
            }
            let missing = isReady ? "took a batch" : "asked for work"
            return withLastWords("the process ended with \(status) before it \(missing)")
        }
    }

    private func withLastWords(_ reason: String) -> String {
        errors.tailText.isEmpty ? reason : "\(reason): \(errors.tailText)"
    }
}

/// What a handler tells its pool while it runs, on the handler's thread.
struct HandlerReports {
    let started: (_ pid: Int32) -> Void
    let ready: () -> Void
    /// A batch takes longer than a fast function's would.
    let slow: () -> Void
    let answered: (_ duration: Duration) -> Void
}

/// How a handler ended.
struct HandlerEnding {
    /// Why the process never did any work; `nil` when it did, or had no chance to.
    let startFailure: String?
    /// Batches that the function never had.
    let unstarted: [PendingInvocation]
}
