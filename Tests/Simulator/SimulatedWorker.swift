import Coordination
import Delivery
import Logging
import StreamCore

/// One life of a worker process, from its start to its end.
final class SimulatedWorker: @unchecked Sendable {
    let id: WorkerID
    let world: World
    let clock: SimulatedClock
    let network: SimulatedNetwork
    let leases: LeaseBook
    let records: RecordBook
    /// Under which leases its consumers process.
    private(set) var tenures: [ShardID: Tenure] = [:]
    private(set) var hasCrashed = false
    private(set) var isPaused = false
    private(set) var isDraining = false
    private(set) var hasEnded = false
    /// When it last stood still.
    private(set) var lastPause: Timeline.Nanoseconds?
    /// When the store last failed it, or kept it waiting.
    private(set) var lastStoreFault: Timeline.Nanoseconds?
    /// Its end is near: what it sends takes long.
    var isFading = false
    /// Calls to the store fail.
    var isCutFromStore = false
    /// How far its wall clock is ahead of the true time.
    var wallClockError: Int64 = 0
    /// How much of its CPU it says to use.
    private let busyPercent: Int64
    private let owner: RunQueue.Owner
    private let drain = DrainSignal()
    private var running: Task<Void, Never>?

    init(_ id: WorkerID, _ owner: RunQueue.Owner, _ world: World, _ leases: LeaseBook, _ records: RecordBook)
    {
        self.id = id
        self.owner = owner
        self.world = world
        self.leases = leases
        self.records = records
        network = SimulatedNetwork(world)
        busyPercent = Int64(world.pick(1...90))
        // What a failover time allows for: a worker stops a tenth of it before others may take its leases.
        let drift = world.scenario.has(.clocks) ? world.pick(-40_000...40_000) : 0
        clock = SimulatedClock(on: world.timeline, drift: Int64(drift))
        if world.scenario.has(.clocks), world.chance(50) { wallClockError = Int64(world.pick(-5000...5000)) }
    }

    /// - Parameters:
    ///   - store: The store itself, behind every connection.
    ///   - workers: Where it reports itself.
    ///   - synced: Called when the mapping is ready.
    func start(
        _ source: EventSource,
        log: any LogSource,
        store: any LeaseStore,
        workers: any WorkerStore,
        timing: LeaseTiming,
        synced: @escaping @Sendable () -> Void
    ) {
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let mapping = EventSourceMapping(id: Self.mapping, function: "delay-alerts", source: source)
        let log = SimulatedSource(log: log, worker: self)
        let audited = AuditedStore(below: store, book: leases, worker: self)
        let workers = SimulatedWorkerStore(store: workers, worker: self)
        let roster = WorkerRoster(worker: id, store: workers, timing: timing, clock: clock, logger: logger)
        let statuses = ShardStatuses()
        let ownership = LeaseOwnership(
            mapping: mapping,
            worker: id,
            source: log,
            store: SimulatedStore(store: audited, worker: self),
            roster: roster,
            rules: LeasePlan.Rules(balancing: world.scenario.balancing, timing: timing),
            statuses: statuses,
            clock: clock,
            synced: synced,
            logger: logger
        )
        guard
            let worker = try? Worker(
                mapping: mapping,
                ownership: TracedOwnership(base: ownership, worker: self),
                source: log,
                transport: SimulatedFunction(worker: self),
                names: ResourceNames(),
                statuses: statuses,
                clock: clock,
                now: { [self] in world.wallTime.advanced(byMilliseconds: wallClockError) },
                encodeEvent: { RecordBook.encode($0.records) },
                logger: logger
            )
        else { preconditionFailure("the options of a simulation can be carried out") }
        let heartbeat = WorkerHeartbeat(
            roster: roster,
            store: workers,
            identity: WorkerReport(
                worker: id,
                host: "simulated",
                processID: Int(owner),
                started: world.wallTime
            ),
            timing: timing,
            clock: clock,
            logger: logger
        ) { [self] in
            CPUReading(used: .milliseconds(clock.nanoseconds / 1_000_000 * busyPercent / 100), cpus: 1)
        }
        world.tell("\(self) starts with \(source.parallelizationFactor) lanes")
        running = world.queue.start(as: owner) { [self, drain] in
            let end = DrainSignal()
            async let beating: Void = heartbeat.run(drain: drain, until: end)
            do { try await worker.run(until: drain) } catch {
                if !hasCrashed { world.violate("\(self) ended with \(error)") }
            }
            end.request()
            await beating
            hasEnded = true
            world.tell("\(self) has ended")
        }
    }

    static let mapping: MappingID = "6f1c52a4-93b1-4c4e-8f57-0a2d6f0f6a11"
}

// MARK: - What happens to it

extension SimulatedWorker {
    /// - Parameter stopsClock: Its machine is suspended, not only its process.
    func pause(stopsClock: Bool) {
        guard !isPaused, !hasEnded else { return }
        world.tell("\(self) stands still\(stopsClock ? ", and its clock with it" : "")")
        isPaused = true
        lastPause = world.now
        world.queue.park(owner)
        if stopsClock { clock.stop() }
    }

    func goOn() {
        guard isPaused else { return }
        world.tell("\(self) goes on")
        isPaused = false
        lastPause = world.now
        world.queue.unpark(owner)
        clock.goOn()
    }

    /// - Parameter workers: An operator asks it there; without, it is its own host that asks.
    func requestDrain(in workers: (any WorkerStore)? = nil) async {
        guard !isDraining else { return }
        if let workers {
            guard let isKnown = try? await workers.requestDrain(of: id), isKnown else { return }
            world.tell("an operator asks \(self) to drain")
        } else {
            world.tell("\(self) is asked to drain")
            drain.request()
        }
        isDraining = true
    }

    /// Ends it in the middle: what it had sent arrives, and nothing else.
    func crash() async {
        guard !hasCrashed else { return }
        if !hasEnded { world.tell("\(self) crashes") }
        hasCrashed = !hasEnded
        goOn()
        running?.cancel()
        await running?.value
    }
}

// MARK: - What it meets

extension SimulatedWorker {
    /// Hears that the store has given it a lease.
    func noteGained(_ lease: Lease) { tenures[lease.key.shard] = leases.tenure(under: lease) }

    func noteCutOff(_ tenure: Tenure, _ error: any Error) {
        guard !tenure.isCutOff else { return }
        if tenure.takenOver == nil { leases.rows[tenure.shard]?.interruptions += 1 }
        tenure.isCutOff = true
        guard !hasCrashed else { return }
        world.tell("\(self) is cut off from \(tenure.shard): \(error)")
        if tenure.takenOver == nil, tenure.excuse == nil {
            world.violate("\(self) was cut off from \(tenure.shard) without a cause: \(error)")
        }
    }

    func nextStoreFate(of call: StaticString) -> SimulatedNetwork.Fate {
        var fate = SimulatedNetwork.Fate()
        guard !world.isCalm else { return fate }
        if isCutFromStore {
            fate.isLostOnTheWay = true
            lastStoreFault = max(world.now, lastStoreFault ?? 0)
            return fate
        }
        if isFading {
            fate.there = .milliseconds(world.pick(50...3000))
            lastStoreFault = world.now + fate.there + .milliseconds(1)
            return fate
        }
        // An ordinary store takes some milliseconds now and then.
        if world.chance(25) { fate.there = .milliseconds(world.pick(1...40)) }
        if world.chance(15) { fate.back = .milliseconds(world.pick(1...40)) }
        guard world.scenario.has(.storeFaults) else { return fate }
        switch world.pick(0...24) {
        case 0: fate.isLostOnTheWay = true
        case 1: fate.isAnswerLost = true
        case 2: fate.isDoubled = true
        case 3: fate.there = .milliseconds(world.pick(100...4000))
        case 4: fate.back = .milliseconds(world.pick(100...4000))
        default: return fate
        }
        // Until the answer has come, and the worker can go on.
        let answered = world.now + fate.there + fate.back + .milliseconds(1)
        lastStoreFault = max(answered, lastStoreFault ?? 0)
        world.tell("\(self): \(call) \(fate.summary)")
        return fate
    }

    func nextLogFate() -> SimulatedNetwork.Fate {
        var fate = SimulatedNetwork.Fate()
        guard !world.isCalm else { return fate }
        if world.chance(15) { fate.there = .milliseconds(world.pick(1...40)) }
        if world.chance(15) { fate.back = .milliseconds(world.pick(1...40)) }
        guard world.scenario.has(.logFaults) else { return fate }
        if world.chance(8) { fate.isLostOnTheWay = true }
        if world.chance(8) { fate.back = .milliseconds(world.pick(100...2000)) }
        return fate
    }
}

extension SimulatedWorker: CustomStringConvertible {
    var description: String { id.text }
}

extension SimulatedNetwork.Fate {
    fileprivate var summary: String {
        if isLostOnTheWay { return "never reaches the store" }
        if isAnswerLost { return "is taken, and its answer lost" }
        if isDoubled { return "reaches the store twice" }
        return "takes \((there + back) / 1_000_000) ms"
    }
}
