import StreamCore

/// The processes of a pool, the work that waits for them, and who gets what.
struct PoolState {
    struct Handler {
        let id: UInt64
        let inbox: HandlerInbox
        var pid: Int32?
        var slot = PoolPlan.Slot(isReady: false)
        var invocations = 0
    }

    /// Work that no process will take, and how it ends.
    struct Refused {
        var work: [PendingInvocation] = []
        var result = WorkResult.notInvoked(.unavailable, "")
    }

    var plan: PoolPlan
    let function: FunctionName
    var handlers: [Handler] = []
    var waiting: [PendingInvocation] = []
    var backoff = StartBackoff()
    var nextID: UInt64 = 1
    var isShutDown = false
    /// Those who wait to learn whether a process starts.
    var warmers: [CheckedContinuation<String?, Never>] = []
    /// Those who wait for the last handler to end.
    var closers: [CheckedContinuation<Void, Never>] = []
    private var uses: UInt64 = 0

    init(plan: PoolPlan, function: FunctionName) {
        self.plan = plan
        self.function = function
    }

    /// Gives work to whoever can take it now.
    ///
    /// - Parameter start: Adds a handler, or notes why it cannot.
    mutating func assign(at elapsed: () -> Duration, start: (inout PoolState) -> Void) -> Refused {
        guard !isShutDown else { return refuseAll(.unavailable, "function \(function) is shutting down") }
        guard plan.concurrencyLimit > 0 else {
            return refuseAll(.throttled, "function \(function) is throttled")
        }
        while let next = waiting.first {
            // Its caller had given up before it was queued.
            if next.isFinished {
                waiting.removeFirst()
                continue
            }
            let now = elapsed()
            let step = plan.next(
                handlers.map(\.slot),
                waiting: waiting.count,
                mayStart: backoff.remaining(at: now) == nil
            )
            switch step {
            case .hand(let index):
                // A handler that has just ended is about to be removed; until then it takes nothing.
                guard handlers[index].inbox.offer(next) else {
                    handlers[index].slot.isReady = false
                    continue
                }
                waiting.removeFirst()
                uses += 1
                handlers[index].slot.inFlight += 1
                handlers[index].slot.lastUse = uses
            case .start: start(&self)
            case .wait:
                guard handlers.isEmpty, let reason = backoff.reason else { return Refused() }
                let why = "function \(function) cannot start: \(reason)"
                let next = backoff.remaining(at: now).map { " (next attempt in \($0.formatted()))" }
                return refuseAll(.unavailable, why + (next ?? ""))
            }
        }
        return Refused()
    }

    private mutating func refuseAll(_ kind: HandlerUnavailable.Kind, _ reason: String) -> Refused {
        defer { waiting = [] }
        return Refused(work: waiting, result: .notInvoked(kind, reason))
    }
}
