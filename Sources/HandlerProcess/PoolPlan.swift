/// Decides which process takes the next batch, and when to start another one.
///
/// A fast function is served best by as many processes as there are processors, each with a few batches in its
/// channel, so that none of them waits for the host. Behind a slow batch others would be stuck: a slow function
/// gets a process for each batch, up to its limit.
struct PoolPlan: Equatable {
    /// A process as the plan sees it.
    struct Slot: Equatable {
        var isReady: Bool
        var inFlight = 0
        /// Grows with each use; 0 before the first.
        var lastUse: UInt64 = 0
    }

    enum Pace: Equatable {
        case unknown, fast, slow
    }

    enum Step: Equatable {
        /// Hand the batch to the slot at this index.
        case hand(to: Int)
        case start
        case wait
    }

    /// A batch that takes longer makes its function a slow one.
    static let slowAfter = Duration.milliseconds(20)
    /// How often a process with a slow batch makes the pool look whether others can start.
    static let lookAgainAfter = Duration.seconds(1)

    /// Batches that one process may hold.
    let channelDepth: Int
    /// Most processes; 0 while the function may not run.
    var concurrencyLimit: Int
    let processors: Int
    private(set) var pace = Pace.unknown

    init(channelDepth: Int, concurrencyLimit: Int, processors: Int) {
        precondition(
            channelDepth > 0 && concurrencyLimit >= 0 && processors > 0,
            "a pool has room for one batch"
        )
        self.channelDepth = channelDepth
        self.concurrencyLimit = concurrencyLimit
        self.processors = processors
    }

    mutating func took(_ duration: Duration) {
        pace = duration > Self.slowAfter ? .slow : .fast
    }

    /// Most processes that are worth having now.
    var processLimit: Int {
        channelDepth == 1 || pace == .slow ? concurrencyLimit : min(concurrencyLimit, processors)
    }

    /// Whether a call that cannot wait would have to: everything that may run is running or about to.
    func isFull(_ slots: [Slot], waiting: Int) -> Bool {
        slots.count { $0.inFlight > 0 } + waiting >= concurrencyLimit
    }

    private var depth: Int { pace == .fast ? channelDepth : 1 }

    /// What to do for the first of `waiting` batches.
    func next(_ slots: [Slot], waiting: Int, mayStart: Bool) -> Step {
        guard waiting > 0 else { return .wait }
        let idle = slots.indices.filter { slots[$0].isReady && slots[$0].inFlight == 0 }
        // The one used last has its code and data in the caches.
        if let warmest = idle.max(by: { slots[$0].lastUse < slots[$1].lastUse }) { return .hand(to: warmest) }
        let starting = slots.count { !$0.isReady }
        if mayStart, slots.count < processLimit, starting < waiting { return .start }
        let open = slots.indices.filter { slots[$0].isReady && slots[$0].inFlight < depth }
        return open.min { slots[$0].inFlight < slots[$1].inFlight }.map { .hand(to: $0) } ?? .wait
    }
}
