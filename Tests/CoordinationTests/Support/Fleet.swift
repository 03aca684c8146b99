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
    private let members = Recorder<FleetWorker>()

    fileprivate init(shardCount: Int, streamExists: Bool) {
        clock = TestClock()
        log = MemoryLog(shardCount: shardCount, clock: clock, exists: streamExists)
    }

    func start(
        _ id: WorkerID,
        from position: StartingPosition = .trimHorizon,
        batchSize: Int = 100,
        handler: ClosureHandler = ClosureHandler()
    ) -> FleetWorker {
        let worker = FleetWorker(
            id,
            source: EventSource(stream: log.name, startingPosition: position, batchSize: batchSize),
            log: log,
            store: FaultyLeaseStore(store),
            clock: clock,
            handler: handler
        )
        members.append(worker)
        return worker
    }

    fileprivate func end() async {
        for worker in members.events { await worker.kill() }
    }

    /// Waits until nothing moves before the clock does: each worker waits for its next round and its next
    /// look at its leases, each idle consumer for a record.
    func settle(workers: Int = 1, consumers: Int) async {
        await clock.waitForSleepers(2 * workers + consumers)
    }

    /// Lets time pass in steps short enough for every worker to do what is due in between.
    func pass(_ time: Duration, workers: Int = 1, consumers: Int) async {
        for _ in 0..<Int(time / .milliseconds(500)) {
            await settle(workers: workers, consumers: consumers)
            clock.advance(by: .milliseconds(500))
        }
        await settle(workers: workers, consumers: consumers)
    }

    func owner(of shard: Int) async throws -> WorkerID? { try await row(shard)?.owner }

    func checkpoint(of shard: Int) async throws -> Checkpoint? { try await row(shard)?.checkpoint }

    private func row(_ shard: Int) async throws -> LeaseRow? {
        try await store.leases(of: .flights).first { $0.key == .shard(shard) }
    }

    /// Appends records whose keys tell shard and place.
    @discardableResult
    func append(_ count: Int, to shard: Int) throws -> [SequenceNumber] {
        try (0..<count).map { try log.append(key: "\(shard)-\($0)", to: ShardID(number: shard)) }
    }
}

/// Lends a fleet and ends its workers afterwards.
func withFleet(
    shards: Int = 1,
    streamExists: Bool = true,
    _ body: (Fleet) async throws -> Void
) async throws {
    let fleet = Fleet(shardCount: shards, streamExists: streamExists)
    do { try await body(fleet) } catch {
        await fleet.end()
        throw error
    }
    await fleet.end()
}

/// A worker that runs.
final class FleetWorker: Sendable {
    let id: WorkerID
    let store: FaultyLeaseStore
    let handler: ClosureHandler
    let statuses = ShardStatuses()
    let wake = WakeSignal()
    let drain = DrainSignal()
    private let running: Task<Void, any Error>

    init(
        _ id: WorkerID,
        source: EventSource,
        log: MemoryLog,
        store: FaultyLeaseStore,
        clock: TestClock,
        handler: ClosureHandler
    ) {
        self.id = id
        self.store = store
        self.handler = handler
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let mapping = EventSourceMapping(id: .flights, function: "delay-alerts", source: source)
        guard
            let worker = try? Worker(
                mapping: mapping,
                ownership: LeaseOwnership(
                    mapping: mapping,
                    worker: id,
                    source: log,
                    store: store,
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
        running = Task { [drain] in try await worker.run(until: drain) }
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
