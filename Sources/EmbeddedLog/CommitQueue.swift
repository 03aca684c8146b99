import Foundation

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

    // Apart from the jobs: a signal for one must not wake the thread that waits for the other.
    private let syncCondition = NSCondition()
    private var unsynced: [ShardLog] = []
    private var areSyncsStopping = false

    init(threadCount: Int, syncsPeriodically: Bool) {
        for number in 1...max(1, threadCount) {
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

    /// Has `shard.commit()` called once.
    func scheduleCommit(of shard: ShardLog) {
        condition.withLock {
            jobs.append(.commit(shard))
            if isStopping { condition.broadcast() } else { condition.signal() }
        }
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
                if isStopping { return nil }
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
        syncCondition.withLock {
            while unsynced.isEmpty, !areSyncsStopping { syncCondition.wait() }
            let due = Date(timeIntervalSinceNow: LogOptions.relaxedSyncInterval)
            while !areSyncsStopping, syncCondition.wait(until: due) {}
            if areSyncsStopping { return nil }
            defer { unsynced = [] }
            return unsynced
        }
    }
}
