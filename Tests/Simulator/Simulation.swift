import Coordination
import StreamCore
import TestSupport

/// One run of several workers on one store and one stream, all of it fixed by the seed.
///
/// At first things go wrong; then faults stop, and everything that was written must come to its end.
final class Simulation: @unchecked Sendable {
    private let world: World
    private let bug: PlantedBug?
    private let log: MemoryLog
    private let store = MemoryLeaseStore()
    private let workerStore = MemoryWorkerStore()
    private let records: RecordBook
    private let leases: LeaseBook
    private let storeForWorkers: any LeaseStore
    private let logForWorkers: any LogSource
    private var workers: [SimulatedWorker] = []
    private var lifeCount = 0
    /// From here on what arrives is the mapping's.
    private var syncedAt: Timeline.Nanoseconds?

    init(_ world: World, bug: PlantedBug?) {
        self.world = world
        self.bug = bug
        log = MemoryLog(
            world.scenario.source.stream,
            shardCount: world.scenario.shardCount,
            clock: world.clock,
            isWatchable: world.scenario.shardsRest
        )
        records = RecordBook(world)
        leases = LeaseBook(world, records: records)
        storeForWorkers = bug?.store(in: store, world) ?? store
        logForWorkers = bug?.log(in: log, world) ?? log
    }

    func run() async {
        world.tell("\(world.scenario)")
        if world.chance(50) { append() }
        for _ in 0..<world.scenario.workerCount { startWorker() }
        for _ in 0..<world.scenario.stepCount where !world.isBroken {
            await pass(milliseconds: nextPause)
            await step()
        }
        if !world.isBroken { await calmDown() }
        if !world.isBroken, world.chance(10) { await verifyShares() }
        if !world.isBroken { await drainAll() }
        world.isOver = true
        world.isCalm = true
        for worker in workers { await worker.crash() }
    }

    private func pass(milliseconds: Int) async {
        await world.timeline.sleepThrough(.milliseconds(milliseconds), on: world.clock)
    }

    private var nextPause: Int {
        switch world.pick(0...9) {
        case 0...4: world.pick(1...300)
        case 5...8: world.pick(300...3000)
        default: world.pick(3000...world.scenario.failoverMilliseconds * 3 / 2)
        }
    }
}

// MARK: - What goes wrong

extension Simulation {
    private func step() async {
        let scenario = world.scenario
        guard let worker = workers.isEmpty ? nil : workers[world.pick(0...workers.count - 1)] else {
            return startWorker()
        }
        switch world.pick(0...15) {
        case 0...5: append()
        case 6...7 where scenario.has(.reshards): reshard()
        case 8 where scenario.has(.pauses):
            worker.isPaused ? worker.goOn() : worker.pause(stopsClock: world.chance(40))
        case 9 where scenario.has(.pauses): for worker in workers where worker.isPaused { worker.goOn() }
        case 10 where scenario.has(.crashes): await replace(worker, bySameName: world.chance(50))
        case 11 where scenario.has(.storeFaults):
            worker.isCutFromStore.toggle()
            world.tell("\(worker) \(worker.isCutFromStore ? "loses" : "has") its connection to the store")
        case 12 where scenario.has(.drains): await drain(worker)
        case 13 where scenario.has(.joins) && livingCount < 5: startWorker()
        case 14 where scenario.has(.forcedReleases): await freeSomeLease()
        case 15 where scenario.has(.clocks):
            worker.wallClockError = Int64(world.pick(-5000...5000))
            world.tell("the wall clock of \(worker) is \(worker.wallClockError) ms ahead")
        default: append()
        }
    }

    private var livingCount: Int { workers.count { !$0.hasEnded && !$0.isDraining } }

    private func startWorker(named name: WorkerID? = nil) {
        // Every life has a number of its own in the queue.
        guard lifeCount < 200 else { return }
        lifeCount += 1
        let id = name ?? WorkerID(unchecked: "worker-\(lifeCount)")
        let worker = SimulatedWorker(id, RunQueue.Owner(lifeCount), world, leases, records)
        var source = world.scenario.source
        if world.scenario.changesLanes, world.chance(50) { source.parallelizationFactor = world.pick(1...4) }
        if world.scenario.changesFilter, world.chance(50) { source.filterPatterns = [] }
        workers.append(worker)
        let timing = world.scenario.timing
        worker.start(
            source,
            log: logForWorkers,
            store: storeForWorkers,
            workers: workerStore,
            timing: lifeCount.isMultiple(of: 2) ? bug?.timing(for: timing) ?? timing : timing
        ) { [self] in syncedAt = syncedAt ?? world.now }
    }

    private func replace(_ worker: SimulatedWorker, bySameName: Bool) async {
        if world.chance(50) {
            // So that something is on its way when it ends.
            worker.isFading = true
            await pass(milliseconds: world.pick(1...1000))
        }
        await worker.crash()
        workers.removeAll { $0 === worker }
        if world.chance(60) || livingCount == 0 { startWorker(named: bySameName ? worker.id : nil) }
    }

    private func drain(_ worker: SimulatedWorker) async {
        await worker.requestDrain(in: world.chance(50) ? workerStore : nil)
        if world.chance(60) || livingCount == 0 { startWorker() }
    }

    private func freeSomeLease() async {
        guard let rows = try? await store.leases(of: SimulatedWorker.mapping).filter({ $0.holder != nil }),
            !rows.isEmpty
        else { return }
        let row = rows[world.pick(0...rows.count - 1)]
        guard (try? await store.free(row.key, seen: row.counter)) == true else { return }
        leases.noteFreed(row.key.shard)
    }
}

// MARK: - The stream

extension Simulation {
    private func append() {
        for _ in 0..<world.pick(1...4) {
            let key = world.pick(0...world.scenario.keyCount - 1)
            let hash = UInt128.max / UInt128(world.scenario.keyCount) * UInt128(key) + 1
            let open = log.currentShards.first { $0.isOpen && $0.hashKeyRange.contains(hash) }
            guard let shard = open?.id,
                let number = try? log.append(key: RecordBook.key(key), to: shard).low
            else { return world.violate("no open shard takes \(RecordBook.key(key))") }
            let record = RecordBook.Record(
                number: number,
                key: key,
                arrival: log.now,
                isOwed: world.scenario.source.startingPosition != .latest || syncedAt != nil,
                isPoison: world.chance(world.scenario.poisonPercent)
            )
            records.noteAppended(record, to: shard)
            world.tell(
                "\(number) with \(RecordBook.key(key)) goes to \(shard)\(record.isPoison ? ", poison" : "")"
            )
        }
    }

    private func reshard() {
        let open = log.currentShards.filter(\.isOpen).sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
        guard log.currentShards.count < 9 else { return }
        let index = world.pick(0...open.count - 1)
        do {
            if index + 1 < open.count, world.chance(50) {
                let child = try log.merge(open[index].id, open[index + 1].id)
                world.tell("\(open[index].id) and \(open[index + 1].id) are merged into \(child)")
            } else {
                let children = try log.split(open[index].id)
                world.tell("\(open[index].id) is split into \(children)")
            }
        } catch { world.violate("the log could not be resharded: \(error)") }
    }
}

// MARK: - The end

extension Simulation {
    private func calmDown() async {
        world.tell("faults stop")
        world.isCalm = true
        for worker in workers {
            worker.isCutFromStore = false
            worker.goOn()
        }
        if livingCount == 0 { startWorker() }
        let began = world.now
        while let reason = remains {
            if world.isBroken { return }
            if world.now - began > Self.longestEnd {
                return world.violate("it does not come to its end: \(reason)")
            }
            await pass(milliseconds: 500)
            noteIdleShards()
        }
        records.verifyEnd(leases)
    }

    /// Long enough for every record to be a batch of its own, each in a window of its own.
    private static let longestEnd: Timeline.Nanoseconds = .milliseconds(300_000)

    private var remains: String? {
        for shard in log.currentShards where !shard.isOpen {
            guard let row = leases.rows[shard.id], row.checkpoint != .shardEnd else { continue }
            return "\(shard.id) is closed and stands at \(row.checkpoint)"
        }
        return records.unfinished(leases).map { "\($0) is not done" }
    }

    /// Nothing holds a shard up for longer than its holder's death would.
    private func noteIdleShards() {
        for (shard, row) in leases.rows where row.checkpoint != .shardEnd && !row.isRemoved {
            guard leases.isReady(row), !row.isHeld else {
                row.idleSince = nil
                continue
            }
            let since = row.idleSince ?? world.now
            row.idleSince = since
            if world.now - since > world.scenario.longestIdle {
                world.violate("nobody has worked on \(shard) for \((world.now - since) / 1_000_000_000) s")
            }
        }
    }

    /// Undisturbed, every worker has its share after three failover times.
    private func verifyShares() async {
        guard world.scenario.balancing == .count else { return }
        let settled = world.now + 3 * world.scenario.failover + world.scenario.failover / 10
        while world.now < settled, !world.isBroken {
            await pass(milliseconds: 500)
            noteIdleShards()
        }
        let open = leases.rows.values.filter {
            $0.checkpoint != .shardEnd && !$0.isRemoved && leases.isReady($0)
        }
        let living = workers.filter { !$0.hasEnded && !$0.isDraining }
        guard !living.isEmpty else { return }
        let least = open.count / living.count
        for worker in living {
            let count = open.count { $0.isHeld && $0.tenure?.worker === worker }
            if count < least || count > (open.count + living.count - 1) / living.count {
                world.violate("\(worker) has \(count) of \(open.count) leases, with \(living.count) workers")
            }
        }
    }

    private func drainAll() async {
        world.tell("all are asked to drain")
        for worker in workers { await worker.requestDrain() }
        let began = world.now
        while let worker = workers.first(where: { !$0.hasEnded }), !world.isBroken {
            if world.now - began > 3 * world.scenario.failover {
                return world.violate("\(worker) does not end")
            }
            await pass(milliseconds: 200)
        }
    }
}
