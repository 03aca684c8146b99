import FunctionLogs
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
        /// When the function got it: handed over, and the one before it answered.
        var start: Duration
    }

    /// How often an invocation that takes long is looked at.
    private static let lookInterval = Duration.milliseconds(100)

    private let function: FunctionDefinition
    /// The time by which invocations are measured.
    private let elapsed: @Sendable () -> Duration
    private let inbox: HandlerInbox
    private let reports: HandlerReports
    private var journal: InvocationJournal
    private let channel: any HandlerChannel
    private let process: SpawnedProcess
    private let startDeadline: ContinuousClock.Instant
    private let started = ContinuousClock.now
    private var isReady = false
    /// It answered a batch or failed one; a process that never does has not really started.
    private var hasWorked = false
    private var inFlight: [InFlight] = []
    /// When to look again how much of the machine the invocation that runs takes.
    private var nextLook = ContinuousClock.now
    private var nextNumber: UInt64 = 1
    private var stopBy: ContinuousClock.Instant?
    private var descriptors: [pollfd] = []

    /// Starts the process.
    init(
        _ function: FunctionDefinition,
        version: FunctionQualifier,
        settings: HandlerSettings,
        log: FunctionLog,
        inbox: HandlerInbox,
        reports: HandlerReports
    ) throws(StartFailure) {
        self.function = function
        elapsed = settings.elapsed
        self.inbox = inbox
        self.reports = reports
        let streamName = LogStreamName.make(version: version)
        journal = InvocationJournal(function, version: version, log: log, streamName: streamName)
        let address: String?
        do throws(SystemCallFailure) {
            switch function.runtime {
            case .swiftPlugin:
                channel = try PluginChannel()
                address = nil
            case .provided, .python:
                let runtime = try LambdaRuntimeChannel(names: settings.names, role: function.role)
                channel = runtime
                address = runtime.address
            }
        } catch {
            throw StartFailure(reason: "no channel for a process of \(function.name): \(error)")
        }
        let plan = try LaunchPlan(
            function,
            version: version,
            settings: settings,
            runtimeAPI: address,
            logStream: streamName
        )
        process = try SpawnedProcess(
            plan,
            channel: channel.handlerDescriptor,
            endLimit: settings.endLimit
        )
        channel.started(process.tree)
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
            journal.flushIfDue()
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
        inFlight.append(InFlight(number: number, invocation: invocation, start: elapsed()))
        if inFlight.count == 1 { begin() }
        let events = channel.send(
            ChannelInvocation(
                number: number,
                work: invocation.work,
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
        guard let first = inFlight.first else { return nil }
        if first.start + function.timeout <= elapsed() { return .timedOut(number: first.number) }
        return look()
    }

    /// Looks now and then what an invocation that takes long takes of the machine.
    private func look() -> EndCause? {
        let now = ContinuousClock.now
        guard now >= nextLook else { return nil }
        nextLook = now + Self.lookInterval
        journal.lookAtMemory(of: process.pid, now)
        return process.tree.isTooLarge ? .tooManyProcesses : nil
    }

    /// When to look at the time again; `nil` when nothing is due.
    private var nextDue: ContinuousClock.Instant? {
        var moments: [ContinuousClock.Instant] = []
        let now = ContinuousClock.now
        if let stopBy { moments.append(stopBy) }
        if !isReady { moments.append(startDeadline) }
        if let first = inFlight.first {
            let ran = elapsed() - first.start
            moments.append(now + (function.timeout - ran))
            let untilSlow = PoolPlan.slowAfter - ran
            // Others may wait behind a slow batch for a process that can start when the back-off is over; while every
            // process is busy, nothing but this makes the pool look.
            moments.append(now + (untilSlow > .zero ? untilSlow : PoolPlan.lookAgainAfter))
        }
        if !inFlight.isEmpty { moments.append(nextLook) }
        if let moment = channel.nextDue { moments.append(moment) }
        if let moment = journal.flushDue { moments.append(moment) }
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
        journal.appendDescriptors(of: process, to: &descriptors)
        channel.appendDescriptors(to: &descriptors)

        let due = nextDue
        let timeout = due.map { max(0, ContinuousClock.now.duration(to: $0).milliseconds + 1) } ?? -1
        poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: timeout))
        if descriptors[0].revents != 0 { inbox.acknowledge() }
        if let first = inFlight.first, first.start + PoolPlan.slowAfter <= elapsed() { reports.slow() }
        return descriptors[1].revents != 0
    }

    private func captureOutput() {
        if descriptors[2].revents != 0 { journal.captureOutput(of: process) }
        if descriptors[3].revents != 0 { journal.captureErrors(of: process) }
    }

    // MARK: - Answers

    private func handle(_ event: ChannelEvent) -> EndCause? {
        switch event {
        case .ready:
            isReady = true
            journal.started(after: started.duration(to: .now))
            reports.ready()
        case .startFailed(let reason): return .startFailed(reason)
        case .closed: return .exited
        case .broken(let reason): return .broken(reason)
        case .answered(let number, let outcome, let errorBody):
            guard let first = inFlight.first, first.number == number else {
                return .broken("an answer to invocation \(number), which is not the one that runs")
            }
            answer(outcome, errorBody)
        }
        return nil
    }

    /// The first in flight is now the function's.
    private func begin() {
        guard let first = inFlight.first else { return }
        nextLook = .now + Self.lookInterval
        journal.begin(first.invocation.work.requestID)
    }

    private func answer(_ outcome: InvocationOutcome, _ errorBody: [UInt8]?) {
        let answered = inFlight.removeFirst()
        let now = elapsed()
        // What it printed before its answer may have come only after the pipes were looked at.
        journal.captureOutput(of: process)
        journal.captureErrors(of: process)
        // An answer may name records that failed, and this may have been their last attempt.
        let isWanted = outcome != .succeeded || answered.invocation.work.isPayload
        let tail = report(answered, now, isWanted: isWanted)
        if !inFlight.isEmpty {
            inFlight[0].start = max(inFlight[0].start, now)
            begin()
        }
        reports.answered(now - answered.start)
        hasWorked = true
        answered.invocation.finish(WorkResult(outcome: outcome, errorBody: errorBody, logTail: tail))
    }

    /// The first in flight is no longer the function's.
    ///
    /// - Returns: The last of what was printed meanwhile, with the lines around it, when somebody wants it.
    private func report(
        _ ended: InFlight,
        _ now: Duration,
        failure: HandlerFailure? = nil,
        isWanted: Bool = true
    ) -> String {
        journal.lookAtMemory(of: process.pid, .now)
        journal.end(ended.invocation.work.requestID, after: now - ended.start, failure: failure)
        return isWanted ? journal.tail : ""
    }

    // MARK: - The end

    private func end(_ cause: EndCause) -> HandlerEnding {
        let status = process.endNow()
        let cause = takeLastWords(cause)
        journal.finish(process)

        if let first = inFlight.first, let failure = failure(of: first, cause, status) {
            inFlight.removeFirst()
            hasWorked = true
            let tail = report(first, elapsed(), failure: failure)
            first.invocation.finish(WorkResult(outcome: .failed(failure), logTail: tail))
        }
        let startFailure =
            hasWorked
            ? nil
            : cause.startFailure(isReady: isReady, status: status, lastWords: journal.lastWords)
        journal.close(startFailure: startFailure, after: started.duration(to: .now))
        let unstarted = inFlight.map(\.invocation) + inbox.close()
        return HandlerEnding(startFailure: startFailure, unstarted: unstarted)
    }

    /// Reads what the process wrote before it ended: a batch that it answered is done and must not run again.
    ///
    /// - Returns: The cause, or the reason for the end that the process gave itself.
    private func takeLastWords(_ cause: EndCause) -> EndCause {
        if case .broken = cause { return cause }
        var cause = cause
        for event in channel.drain() {
            switch event {
            case .answered(let number, let outcome, let errorBody) where inFlight.first?.number == number:
                answer(outcome, errorBody)
            case .startFailed(let reason): cause = .startFailed(reason)
            case .ready: isReady = true
            case .answered, .broken, .closed: break
            }
        }
        return cause
    }

    private func failure(of first: InFlight, _ cause: EndCause, _ status: ExitStatus) -> HandlerFailure? {
        cause.failure(
            of: function,
            number: first.number,
            hasBegun: channel.hasBegun(first.number),
            status: status,
            journal: journal
        )
    }
}
