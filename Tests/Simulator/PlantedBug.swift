import ArgumentParser
import Coordination
import StreamCore

/// A mistake that the simulator has to find: made in front of the store, the log or the timing, never in the product.
enum PlantedBug: String, CaseIterable, ExpressibleByArgument {
    /// The store takes a commit under a lease that was lost.
    case noFencing = "no-fencing"
    /// The store asks for the owner of a lease and not for its counter.
    case ownerOnlyFence = "owner-only-fence"
    /// Some workers take a lease after half the failover time.
    case earlyExpiry = "early-expiry"
    /// Some workers trust their leases for longer than the failover time.
    case longTrust = "long-trust"
    /// Children are processed although their parents are not finished.
    case earlyChild = "early-child"
    /// A lease is acquired whatever its counter was when it was seen.
    case blindAcquire = "blind-acquire"
    /// The lease is given back while a commit is still on its way.
    case earlyRelease = "early-release"
    /// Whoever asks for a lease has it at once.
    case hastyHandOff = "hasty-hand-off"
    /// What is stored beyond the checkpoint is forgotten when the lease changes hands.
    case lostProgress = "lost-progress"
    /// LATEST is what it means when the shard is opened, not when its row is made.
    case lateLatest = "late-latest"
    /// The end of a shard is never told.
    case noShardEnd = "no-shard-end"
    /// A worker is not told of the leases that it has lost.
    case hiddenLoss = "hidden-loss"
    /// Some shards that rest do not hear of their records.
    case deafRest = "deaf-rest"

    func store(in base: any LeaseStore, _ world: World) -> any LeaseStore {
        switch self {
        case .noFencing: LooseFence(below: base) { _, _ in true }
        case .ownerOnlyFence: LooseFence(below: base) { $0.owner == $1.owner }
        case .earlyChild: OrphanedRows(below: base)
        case .blindAcquire: BlindAcquire(below: base)
        case .earlyRelease: WriteBehind(below: base, world: world)
        case .hastyHandOff: HastyHandOff(below: base)
        case .lostProgress: LostProgress(below: base)
        case .hiddenLoss: HiddenLoss(below: base)
        case .earlyExpiry, .longTrust, .lateLatest, .noShardEnd, .deafRest: base
        }
    }

    func log(in base: any LogSource, _ world: World) -> any LogSource {
        switch self {
        case .lateLatest: LateLatest(base: base)
        case .noShardEnd: EndlessShards(base: base, world: world)
        case .deafRest: DeafReaders(base: base, world: world)
        default: base
        }
    }

    func timing(for timing: LeaseTiming) -> LeaseTiming {
        switch self {
        case .earlyExpiry: LeaseTiming(failover: timing.failover / 2, shardSync: timing.shardSync)
        case .longTrust: LeaseTiming(failover: timing.failover * 2, shardSync: timing.shardSync)
        default: timing
        }
    }
}

private final class LooseFence: LeaseStoreLayer, @unchecked Sendable {
    let below: any LeaseStore
    private let accepts: (_ old: Lease, _ newest: Lease) -> Bool
    private var newest: [LeaseKey: Lease] = [:]

    init(below: any LeaseStore, accepts: @escaping (_ old: Lease, _ newest: Lease) -> Bool) {
        self.below = below
        self.accepts = accepts
    }

    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        let lease = try await below.acquire(key, seen: counter, for: worker)
        if let lease { newest[key] = lease }
        return lease
    }

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        do { try await below.commit(commit, under: lease) } catch let error as LeaseLost {
            guard let newest = newest[lease.key], newest != lease, accepts(lease, newest) else { throw error }
            try await below.commit(commit, under: newest)
        }
    }
}

private struct OrphanedRows: LeaseStoreLayer {
    let below: any LeaseStore

    func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        try await below.leases(of: mapping).map { row in
            LeaseRow(
                key: row.key,
                owner: row.owner,
                checkpointOwner: row.checkpointOwner,
                counter: row.counter,
                checkpoint: row.checkpoint,
                parents: [],
                children: row.children,
                hashKeyRange: row.hashKeyRange,
                throughput: row.throughput
            )
        }
    }
}

private struct BlindAcquire: LeaseStoreLayer {
    let below: any LeaseStore

    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        let row = try await below.leases(of: key.mapping).first { $0.key == key }
        return try await below.acquire(key, seen: row?.counter ?? counter, for: worker)
    }
}

private struct WriteBehind: LeaseStoreLayer {
    let below: any LeaseStore
    let world: World

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        let delay = world.chance(30) ? world.pick(1...50) : 0
        guard delay > 0 else { return try await below.commit(commit, under: lease) }
        _ = world.queue.start(as: 0) { [below, world] in
            await world.timeline.sleepThrough(.milliseconds(delay), on: world.clock)
            try? await below.commit(commit, under: lease)
        }
    }
}

private struct HastyHandOff: LeaseStoreLayer {
    let below: any LeaseStore

    func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws -> Bool {
        guard let row = try await below.leases(of: key.mapping).first(where: { $0.key == key }),
            row.holder == holder
        else { return false }
        return try await below.free(key, seen: row.counter)
    }
}

private struct LostProgress: LeaseStoreLayer {
    let below: any LeaseStore

    func progress(of key: LeaseKey) async throws -> ShardProgress { .none }
}

private struct HiddenLoss: LeaseStoreLayer {
    let below: any LeaseStore

    func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        _ = try await below.renew(leases, throughput: throughput)
        return []
    }
}

private struct LateLatest: LogSource {
    let base: any LogSource

    func shards() async throws -> [Shard] { try await base.shards() }
    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint { .start(start) }
    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        try await base.reader(of: shard, from: position)
    }
}

private struct EndlessShards: LogSource {
    let base: any LogSource
    let world: World

    func shards() async throws -> [Shard] { try await base.shards() }
    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        try await base.pin(start, in: shard)
    }
    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        Reader(base: try await base.reader(of: shard, from: position), world: world)
    }

    private struct Reader: ShardReader {
        let base: any ShardReader
        let world: World

        func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
            let result = try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
            if result.isEnd, result.batch.isEmpty { try await world.clock.sleep(for: wait) }
            return ReadResult(
                batch: result.batch,
                millisBehindLatest: result.millisBehindLatest,
                isEnd: false
            )
        }
    }
}

private struct DeafReaders: LogSource {
    let base: any LogSource
    let world: World

    func shards() async throws -> [Shard] { try await base.shards() }
    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        try await base.pin(start, in: shard)
    }
    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        let reader = try await base.reader(of: shard, from: position)
        guard let watched = reader as? any WatchableShardReader else { return reader }
        return Reader(base: watched, world: world)
    }

    private struct Reader: WatchableShardReader {
        let base: any WatchableShardReader
        let world: World

        func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
            try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
        }

        func watch(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
            if world.chance(20) { return {} }
            return base.watch(action)
        }
    }
}
