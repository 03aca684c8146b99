import Delivery
import StreamCore

/// What the store has taken, as an honest store would have it: the truth that workers are held against.
final class LeaseBook: @unchecked Sendable {
    final class Row {
        let shard: Shard
        var checkpoint: Checkpoint
        var progress = ShardProgress.none
        /// The newest.
        var tenure: Tenure?
        var isRemoved = false
        /// What the final states of its windows amount to.
        var windowTotal: UInt64 = 0
        /// Tenures that did not end by giving back what was finished.
        var interruptions = 0
        /// Since when nobody has worked on it, although somebody could have.
        var idleSince: Timeline.Nanoseconds?

        init(_ lease: NewLease) {
            shard = lease.shard
            checkpoint = lease.checkpoint
        }

        var isHeld: Bool {
            tenure.map { !$0.isReleased && (!$0.wasInterrupted || $0.awaitsFunction) } ?? false
        }
    }

    private(set) var rows: [ShardID: Row] = [:]
    /// Every one that was, by shard and counter.
    private var tenures: [ShardID: [UInt64: Tenure]] = [:]
    private let world: World
    private let records: RecordBook

    init(_ world: World, records: RecordBook) {
        self.world = world
        self.records = records
    }

    /// Its parents are finished, or nothing was ever known of them.
    func isReady(_ row: Row) -> Bool { row.shard.parents.allSatisfy { isFinished($0) } }

    func isFinished(_ shard: ShardID) -> Bool { rows[shard].map { $0.checkpoint == .shardEnd } ?? true }

    func tenure(under lease: Lease) -> Tenure? { tenures[lease.key.shard]?[lease.counter] }

    func noteAdded(_ leases: [NewLease], by worker: SimulatedWorker) {
        for lease in leases {
            if let known = rows[lease.shard.id] {
                if known.isRemoved { noteAddedAgain(lease.shard.id, by: worker) }
                continue
            }
            rows[lease.shard.id] = Row(lease)
            world.tell("\(lease.shard.id) gets a row and starts at \(lease.checkpoint)")
        }
    }

    /// Whoever was held up between looking and adding may add what was finished and removed meanwhile: the store cannot
    /// tell, and KCL has that gap too.
    private func noteAddedAgain(_ shard: ShardID, by worker: SimulatedWorker) {
        let what = "the row of \(shard) was added again by \(worker)"
        if worker.lastPause != nil || world.scenario.has([.storeFaults, .logFaults]) {
            world.cutShort(what)
        } else {
            world.violate(what)
        }
    }

    func noteAcquired(_ lease: Lease, by worker: SimulatedWorker) {
        guard let row = rows[lease.key.shard] else { return }
        interrupt(row, "\(worker) acquired it")
        let tenure = Tenure(of: lease.key.shard, counter: lease.counter, worker: worker, at: world.now)
        row.tenure = tenure
        tenures[lease.key.shard, default: [:]][lease.counter] = tenure
        world.tell("\(worker) acquires \(lease.key.shard) under \(lease.counter), at \(row.checkpoint)")
    }

    /// - Parameter worker: Gave back what was kept for it; an operator took it when there is none.
    func noteFreed(_ shard: ShardID, by worker: SimulatedWorker? = nil) {
        guard let row = rows[shard] else { return }
        world.tell("\(worker?.description ?? "an operator") frees \(shard)")
        if worker == nil { row.tenure?.isForced = true }
        interrupt(row, "\(worker?.description ?? "an operator") freed it")
    }

    func noteReleased(_ lease: Lease) {
        guard let tenure = rows[lease.key.shard]?.tenure, tenure.counter == lease.counter else { return }
        tenure.isReleased = true
        world.tell("\(tenure.worker) has given \(lease.key.shard) back")
    }

    func noteRemoved(_ shard: ShardID) {
        guard let row = rows[shard] else { return }
        row.isRemoved = true
        world.tell("the row of \(shard) is removed")
        if row.checkpoint != .shardEnd { world.violate("the row of \(shard) was removed before its end") }
        for child in rows.values where child.shard.parents.contains(shard) && !child.isRemoved {
            if case .start = child.checkpoint {
                world.violate("the row of \(shard) was removed before its child \(child.shard.id) began")
            }
        }
    }

    func noteProgressRead(_ progress: ShardProgress, of shard: ShardID) {
        guard let row = rows[shard], row.progress != progress else { return }
        world.violate("the store gave \(progress) as the progress of \(shard), which is \(row.progress)")
    }

    /// A write that the store has taken.
    func noteCommitted(_ commit: ShardCommit, under lease: Lease, by worker: SimulatedWorker) {
        let shard = lease.key.shard
        guard let row = rows[shard] else { return }
        if let newest = row.tenure, lease.counter < newest.counter {
            world.violate(
                "\(worker) moved \(shard) under \(lease.counter), after \(newest.worker) had acquired it"
            )
        }
        world.tell("\(worker) stores \(shard): \(commit.summary)")
        for failure in commit.failures { records.noteGivenUp(failure) }
        if let checkpoint = commit.checkpoint, checkpoint > row.checkpoint {
            row.checkpoint = checkpoint
            records.verifyDone(shard, upTo: checkpoint)
        }
        if case .set(let progress) = commit.progress {
            noteWindow(row, progress.window, commit.failures)
            row.progress = progress
            if let lanes = progress.lanes { records.verifyDone(shard, by: lanes) }
        }
    }

    private func noteWindow(_ row: Row, _ new: WindowProgress?, _ failures: [BatchFailure]) {
        guard let old = row.progress.window, new?.bounds != old.bounds else { return }
        let isGivenUp = failures.contains { $0.records.count == 0 }
        if !isGivenUp, !records.hasFinal(of: row.shard.id, old) {
            world.violate("the window of \(row.shard.id) ended without its final invocation: \(old)")
        }
        row.windowTotal += RecordBook.sum(of: old.state)
    }

    private func interrupt(_ row: Row, _ how: String) {
        guard let tenure = row.tenure, !tenure.isReleased, tenure.takenOver == nil else { return }
        tenure.takenOver = world.now
        row.interruptions += 1
        guard row.checkpoint != .shardEnd else { return }
        if tenure.trustsItself {
            world.violate("\(tenure.worker) was at work on \(row.shard.id) when it lost it: \(how)")
        }
        guard tenure.excuse == nil else { return }
        world.violate("\(tenure.worker) lost \(row.shard.id) without a cause: \(how)")
    }
}

extension ShardCommit {
    fileprivate var summary: String {
        var parts = checkpoint.map { ["done up to \($0)"] } ?? []
        if case .set(let progress) = self.progress {
            parts += progress.retries.map { "\($0.first)–\($0.last) failed \($0.attempts) times" }
            if let lanes = progress.lanes {
                parts.append("lanes at \(lanes.done.map { $0?.description ?? "–" }.joined(separator: " "))")
            }
            if let window = progress.window {
                parts.append("window with \(RecordBook.sum(of: window.state))")
            }
        }
        parts += failures.map { "\($0.records.first)–\($0.records.last) given up" }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}

/// One worker's way to the store, behind which the book is kept.
struct AuditedStore: LeaseStoreLayer {
    let below: any LeaseStore
    let book: LeaseBook
    let worker: SimulatedWorker

    func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try await below.add(shards, to: mapping)
        book.noteAdded(shards, by: worker)
    }

    func acquire(_ key: LeaseKey, seen counter: UInt64, for id: WorkerID) async throws -> Lease? {
        let lease = try await below.acquire(key, seen: counter, for: id)
        if let lease { book.noteAcquired(lease, by: worker) }
        return lease
    }

    func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to id: WorkerID) async throws -> Bool {
        let isTaken = try await below.requestHandOff(key, from: holder, to: id)
        if isTaken {
            worker.world.tell("\(worker) asks \(holder) for \(key.shard)")
            book.rows[key.shard]?.tenure?.handOff = worker.world.now
        }
        return isTaken
    }

    func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        do { try await below.commit(commit, under: lease) } catch {
            worker.world.tell("the store refuses what \(worker) has done of \(lease.key.shard): \(error)")
            throw error
        }
        book.noteCommitted(commit, under: lease, by: worker)
    }

    func progress(of key: LeaseKey) async throws -> ShardProgress {
        let progress = try await below.progress(of: key)
        book.noteProgressRead(progress, of: key.shard)
        return progress
    }

    func release(_ lease: Lease) async throws {
        try await below.release(lease)
        book.noteReleased(lease)
    }

    func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        let isFreed = try await below.free(key, seen: counter)
        if isFreed { book.noteFreed(key.shard, by: worker) }
        return isFreed
    }

    func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        let isRemoved = try await below.remove(key, seen: counter)
        if isRemoved { book.noteRemoved(key.shard) }
        return isRemoved
    }
}
