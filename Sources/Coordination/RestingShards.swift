import StreamCore
import Synchronization

/// The shards of a mapping in which nothing happens: they have leases and no tasks.
///
/// The task of a shard that waits for a record takes about 14 KB.
final class RestingShards: Sendable {
    private struct Rest: Sendable {
        let tenure: LeaseTenure
        let resume: @Sendable () async throws -> ShardOutcome
        /// Drop what would wake it.
        var drops: [@Sendable () -> Void] = []
    }

    private let rests = Mutex<[Lease: Rest]>([:])
    private let awakened: AsyncStream<Rest>
    private let feed: AsyncStream<Rest>.Continuation

    init() {
        (awakened, feed) = AsyncStream.makeStream()
    }

    /// Lets a shard rest until there is something to read, or it is to be given up.
    func add(_ shard: RestingShard, of tenure: LeaseTenure) {
        let lease = tenure.gained.lease
        rests.withLock { $0[lease] = Rest(tenure: tenure, resume: shard.resume) }
        let wake: @Sendable () -> Void = { [weak self] in self?.wake(lease) }
        for drop in [tenure.gained.onStop(wake), shard.reader.watch(wake)] {
            // It may be awake already.
            let isResting = rests.withLock { $0[lease]?.drops.append(drop) != nil }
            if !isResting { drop() }
        }
    }

    private func wake(_ lease: Lease) {
        guard let rest = rests.withLock({ $0.removeValue(forKey: lease) }) else { return }
        for drop in rest.drops { drop() }
        feed.yield(rest)
    }

    /// Goes on with shards that wake up, until `end` is called.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await rest in awakened {
                group.addTask { await rest.tenure.goOn(rest.resume) }
            }
        }
    }

    /// Forgets all shards; their leases expire unless they were released.
    func end() {
        feed.finish()
        let left = rests.withLock { rests in
            defer { rests = [:] }
            return rests.values
        }
        for rest in left { for drop in rest.drops { drop() } }
    }
}
