import Coordination
import Delivery
import Logging
import StreamCore
import TestSupport

/// The workers of one mapping, on one stream, one store and one clock.
final class Fleet: Sendable {
    let clock: TestClock
    let log: MemoryLog
    let store = MemoryLeaseStore()
    /// Of those workers that report themselves.
    let workers = MemoryWorkerStore()
    private let members = Recorder<FleetWorker>()
    private let tasks: SerialTasks

    fileprivate init(shardCount: Int, streamExists: Bool, shardsRest: Bool, tasks: SerialTasks) {
        self.tasks = tasks
        clock = TestClock()
        log = MemoryLog(
            shardCount: shardCount,
            clock: clock,
            exists: streamExists,
            isWatchable: shardsRest
        )
    }

    func start(
        _ id: WorkerID,
        from position: StartingPosition = .trimHorizon,
        batchSize: Int = 100,
        lanes: Int = 1,
        windowSeconds: Int = 0,
        filters: [String] = [],
        handler: ClosureHandler = ClosureHandler(),
        listing source: (any LogSource)? = nil,
        reports: Bool = false,
        planning: @escaping @Sendable () async throws -> LeasePlanning = { .own },
        before prepare: (FaultyLeaseStore) -> Void = { _ in }
    ) -> FleetWorker {
        let faulty = FaultyLeaseStore(store)
        prepare(faulty)
        let worker = FleetWorker(
            id,
            source: EventSource(
                stream: log.name,
                startingPosition: position,
                batchSize: batchSize,
                parallelizationFactor: lanes,
                tumblingWindowSeconds: windowSeconds,
                filterPatterns: filters
            ),
            log: log,
            listing: source,
            store: faulty,
            workers: reports ? workers : nil,
            planning: planning,
            clock: clock,
            handler: handler
        )
        members.append(worker)
        return worker
    }

    /// The ownership of a worker whose processing is the test's.
    func ownership(_ id: WorkerID, _ store: any LeaseStore) -> LeaseOwnership {
        LeaseOwnership(
            mapping: EventSourceMapping(
                id: .flights,
                function: "delay-alerts",
                source: EventSource(stream: log.name, startingPosition: .trimHorizon)
            ),
            worker: id,
            source: log,
            store: store,
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    fileprivate func end() async {
        for worker in members.events { await worker.kill() }
    }

    /// Lets everything happen that happens before the clock moves.
    func settle() async { await tasks.settle() }

    /// Lets time pass in steps short enough for every worker to do what is due in between.
    func pass(_ time: Duration) async {
        for _ in 0..<Int(time / .milliseconds(500)) {
            await settle()
            clock.advance(by: .milliseconds(500))
        }
        await settle()
    }

    /// Lets time pass until something is so, for 300 s at most.
    ///
    /// - Returns: How much time it took, `nil` when it did not become so.
    @discardableResult
    func passUntil(_ isMet: () async throws -> Bool) async throws -> Duration? {
        for step in 0..<3000 {
            await settle()
            if try await isMet() { return .milliseconds(100 * step) }
            clock.advance(by: .milliseconds(100))
        }
        return nil
    }

    /// How many leases each worker has, or waits for.
    func shares() async throws -> [WorkerID: Int] {
        let rows = try await store.leases(of: .flights)
        return Dictionary(grouping: rows.compactMap(\.owner)) { $0 }.mapValues(\.count)
    }

    /// No lease is being handed over, and the workers have these shares.
    func isAtRest(_ expected: [WorkerID: Int]? = nil) async throws -> Bool {
        let rows = try await store.leases(of: .flights)
        let shares = try await shares()
        return rows.allSatisfy { $0.handOff == nil } && (expected ?? shares) == shares
    }

    func owner(of shard: Int) async throws -> WorkerID? { try await row(shard)?.owner }

    func checkpoint(of shard: Int) async throws -> Checkpoint? { try await row(shard)?.checkpoint }

    func row(_ shard: Int) async throws -> LeaseRow? {
        try await store.leases(of: .flights).first { $0.key == .shard(shard) }
    }

    /// Appends records whose keys tell shard and place.
    @discardableResult
    func append(_ count: Int, to shard: Int) throws -> [SequenceNumber] {
        try (0..<count).map { try log.append(key: "\(shard)-\($0)", to: ShardID(number: shard)) }
    }
}

/// Lends a fleet, whose tasks run one at a time, and ends its workers afterwards.
///
/// - Parameter shardsRest: Idle shards have no task, and so no sleeper on the fleet's clock.
func withFleet(
    shards: Int = 1,
    streamExists: Bool = true,
    shardsRest: Bool = false,
    _ body: @escaping @Sendable (Fleet) async throws -> Void
) async throws {
    try await SerialTasks.run { tasks in
        let fleet = Fleet(
            shardCount: shards,
            streamExists: streamExists,
            shardsRest: shardsRest,
            tasks: tasks
        )
        do { try await body(fleet) } catch {
            await fleet.end()
            throw error
        }
        await fleet.end()
    }
}

/// A worker that runs.
final class FleetWorker: Sendable {
    let id: WorkerID
    let store: FaultyLeaseStore
    let handler: ClosureHandler
    let statuses = ShardStatuses()
    let views = LeaseViews()
    let wake = WakeSignal()
    let drain = DrainSignal()
    private let running: Task<Void, any Error>

    init(
        _ id: WorkerID,
        source: EventSource,
        log: MemoryLog,
        listing: (any LogSource)? = nil,
        store: FaultyLeaseStore,
        workers: (any WorkerStore)? = nil,
        planning: @escaping @Sendable () async throws -> LeasePlanning = { .own },
        clock: TestClock,
        handler: ClosureHandler
    ) {
        self.id = id
        self.store = store
        self.handler = handler
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let mapping = EventSourceMapping(id: .flights, function: "delay-alerts", source: source)
        let roster = workers.map { WorkerRoster(worker: id, store: $0, clock: clock, logger: logger) }
        guard
            let worker = try? Worker(
                mapping: mapping,
                ownership: LeaseOwnership(
                    mapping: mapping,
                    worker: id,
                    source: listing ?? log,
                    store: store,
                    roster: roster,
                    rules: LeasePlan.Rules(balancing: .count),
                    planning: planning,
                    statuses: statuses,
                    views: views,
                    clock: clock,
                    wake: wake,
                    logger: logger
                ),
                source: log,
                transport: handler,
                names: ResourceNames(),
                statuses: statuses,
                clock: clock,
                now: { log.now },
                encodeEvent: { Array("\($0.records.numbers)".utf8) },
                logger: logger
            )
        else { preconditionFailure("the options of a test can be carried out") }
        running = Task { [drain] in
            guard let roster, let workers else { return try await worker.run(until: drain) }
            let heartbeat = WorkerHeartbeat(
                roster: roster,
                store: workers,
                identity: WorkerReport(worker: id, host: "test", processID: 1, started: log.now),
                clock: clock,
                logger: logger,
                readCPU: { nil }
            )
            let end = DrainSignal()
            async let beating: Void = heartbeat.run(drain: drain, until: end)
            let result: Result<Void, any Error>
            do { result = .success(try await worker.run(until: drain)) } catch { result = .failure(error) }
            end.request()
            await beating
            try result.get()
        }
    }

    func report(of shard: Int) -> ShardReport? { statuses.report(of: .shard(shard)) }

    /// Ends it as a crash does: nothing is released.
    func kill() async {
        running.cancel()
        _ = await running.result
    }

    /// Waits until it has ended by itself.
    func ended() async throws {
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            running.cancel()
        }
    }

    func acquisitions(of shard: Int) -> Int { store.calls.events.count { $0 == .acquire(.shard(shard)) } }
}

extension FaultyLeaseStore {
    /// How many leases were acquired, or tried to be.
    var acquisitions: Int {
        calls.events.count { call in
            if case .acquire = call { true } else { false }
        }
    }
}
