import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A few threads that write and sync for all shards: a free thread takes the next shard that has something to store.
///
/// Threads, because the kernel blocks here. Unchecked because `condition` guards the jobs and `syncCondition` the shards to sync.
final class CommitQueue: @unchecked Sendable {
    private enum Job {
        case commit(ShardLog)
        case sync(ShardLog)
    }

    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var nextJob = 0
    private var isStopping = false
    private var runningThreads = 0
    /// Threads that still look for jobs.
    private var workers: Int

    // Apart from the jobs: a signal for one must not wake the thread that waits for the other.
    private let syncCondition = NSCondition()
    private var unsynced: [ShardLog] = []
    private var areSyncsStopping = false

    init(threadCount: Int, syncsPeriodically: Bool) {
        workers = max(1, threadCount)
        for number in 1...workers {
            start(name: "log-commit-\(number)") { [self] in work() }
        }
        if syncsPeriodically {
            start(name: "log-sync") { [self] in requestSyncs() }
        }
    }

    private func start(name: String, _ body: @escaping @Sendable () -> Void) {
        condition.withLock { runningThreads += 1 }
        let thread = Thread { [condition] in
            body()
            condition.withLock {
                self.runningThreads -= 1
                condition.broadcast()
            }
        }
        thread.name = name
        thread.start()
    }

    /// Has `shard.commit()` called once; `shard.abandon()` when the threads have ended.
    func scheduleCommit(of shard: ShardLog) {
        let isScheduled = condition.withLock {
            guard workers > 0 else { return false }
            jobs.append(.commit(shard))
            if isStopping { condition.broadcast() } else { condition.signal() }
            return true
        }
        // An append that was accepted just before the log was closed can come this late.
        if !isScheduled { shard.abandon() }
    }

    /// Has `shard.sync()` called once, at the end of the sync interval.
    func scheduleSync(of shard: ShardLog) {
        syncCondition.withLock {
            unsynced.append(shard)
            if unsynced.count == 1 { syncCondition.signal() }
        }
    }

    /// Carries out what is scheduled, then ends the threads.
    ///
    /// Blocks until they have ended.
    func stop() {
        syncCondition.withLock {
            areSyncsStopping = true
            syncCondition.signal()
        }
        condition.withLock {
            isStopping = true
            condition.broadcast()
            while runningThreads > 0 { condition.wait() }
        }
    }

    private func work() {
        while let job = next() {
            switch job {
            case .commit(let shard): shard.commit()
            case .sync(let shard): shard.sync()
            }
        }
    }

    private func next() -> Job? {
        condition.withLock {
            while nextJob == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                nextJob = 0
                if isStopping {
                    workers -= 1
                    return nil
                }
                condition.wait()
            }
            defer { nextJob += 1 }
            // Taken jobs are dropped in large pieces, so that a queue that never runs empty stays small.
            if nextJob == 1024 {
                jobs.removeFirst(nextJob)
                nextJob = 0
            }
            return jobs[nextJob]
        }
    }

    private func requestSyncs() {
        while let due = nextSyncs() {
            condition.withLock {
                jobs += due.map(Job.sync)
                condition.broadcast()
            }
        }
    }

    /// Waits for a shard to sync, and then for the interval to pass.
    private func nextSyncs() -> [ShardLog]? {
        let isStopping = syncCondition.withLock {
            while unsynced.isEmpty, !areSyncsStopping { syncCondition.wait() }
            return areSyncsStopping
        }
        if isStopping { return nil }
        // By the monotonic clock: a wall clock that is set back must not put the syncs off.
        var interval = timespec(tv_sec: 0, tv_nsec: LogOptions.relaxedSyncNanoseconds)
        _ = clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, nil)
        return syncCondition.withLock {
            if areSyncsStopping { return nil }
            defer { unsynced = [] }
            return unsynced
        }
    }
}
