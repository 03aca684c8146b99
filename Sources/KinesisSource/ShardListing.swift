import StreamCore
import Synchronization

/// Which shards are closed, asked for all of a source's readers at once.
///
/// moto never ends a closed shard: its iterators go on for ever. What the listing calls closed and has no more records is
/// at its end all the same.
actor ShardListing {
    /// How long an answer is good for.
    private static let lifetime = Duration.seconds(30)

    private let calls: KinesisCalls
    private let stopwatch: Stopwatch
    private var closed: Set<ShardID> = []
    private var readAt: Duration?

    init(calls: KinesisCalls, clock: any Clock<Duration>) {
        self.calls = calls
        stopwatch = Stopwatch(clock: clock)
    }

    func isClosed(_ shard: ShardID) async throws -> Bool {
        if readAt.map({ stopwatch.elapsed - $0 >= Self.lifetime }) ?? true {
            // Set first: the others go by what was known until it is answered.
            readAt = stopwatch.elapsed
            do {
                closed = Set(try await calls.shards().filter { !$0.isOpen }.map(\.id))
            } catch {
                readAt = nil
                throw error
            }
        }
        return closed.contains(shard)
    }
}

/// How many readers a source has: the more there are, the less often each asks for what is not there.
final class ReaderCrowd: Sendable {
    private let count = Atomic(0)

    func join() { count.add(1, ordering: .relaxed) }
    func leave() { count.subtract(1, ordering: .relaxed) }

    func idleInterval(_ pacing: KinesisPacing) -> Duration {
        let fair = Duration.seconds(1) * count.load(ordering: .relaxed) / pacing.idleReadsPerSecond
        return max(pacing.idleInterval, fair)
    }
}
