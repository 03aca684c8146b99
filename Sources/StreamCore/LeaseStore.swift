/// Decides which worker owns which shard, and remembers how far each shard has been processed.
///
/// Lease and checkpoint share a row, and the row is the fence: every write is conditional on the holder and on
/// the counter under which it acquired the lease. Whoever lost the lease can no longer move anything.
///
/// A lease that is held moves in three steps, KCL's graceful hand-off: another worker asks for it, the holder
/// finishes its batch and releases it, the other acquires it. Each step can be left out by `acquire` once the holder
/// has shown no sign of life for the failover time, so that no state of a hand-off lasts.
package protocol LeaseStore: Sendable {
    /// Every lease of the mapping, in key order.
    func leases(of mapping: MappingID) async throws -> [LeaseRow]

    /// Adds rows for shards seen for the first time, unowned; rows that exist stay as they are.
    func add(_ shards: [NewLease], to mapping: MappingID) async throws

    /// Takes the lease if its counter is still the one that was seen: it is free, reserved for the caller, or expired
    /// by the caller's observation.
    ///
    /// Ends a hand-off that was under way, to whomever.
    /// - Returns: The lease under a new counter, or `nil` when another worker was faster.
    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease?

    /// Asks the holder to hand the lease over: it becomes its `checkpointOwner`, and `worker` the owner that waits.
    ///
    /// The counter is not raised, so that the holder's writes and renewals go on.
    /// - Returns: `false` when `holder` does not hold it (any more), or another worker was faster.
    func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws -> Bool

    /// Shows that the holder is alive: raises the counter of each row, in one statement.
    ///
    /// - Parameter throughput: What was delivered of a shard lately, in KB/s; a shard without entry keeps its own.
    /// - Returns: The leases that are no longer the caller's.
    /// - Throws: `StoreUnavailable` when none was renewed; `PartlyRenewed` by stores that write each row by itself.
    func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey>

    /// Moves the checkpoint, the progress beyond it and the failures before it together, or none of them.
    ///
    /// Writes of many shards are committed together; the call returns when its own is committed.
    /// - Throws: `LeaseLost` when the lease is no longer the caller's: nothing was written; stop processing at once.
    func commit(_ commit: ShardCommit, under lease: Lease) async throws

    /// What the holders of this shard have stored beyond its checkpoint; `.none` when there is nothing.
    ///
    /// To be read once after the lease was acquired: nobody else writes it while it is held.
    func progress(of key: LeaseKey) async throws -> ShardProgress

    /// Gives the lease up: it is reserved for the worker that has asked for it, else free.
    ///
    /// Nothing happens when it is lost already.
    func release(_ lease: Lease) async throws

    /// Takes the lease from whoever holds it or waits for it, so that any worker can acquire it at once.
    ///
    /// - Returns: `false` when the counter is no longer the one that was seen; nothing is changed then.
    func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool

    /// Removes the row of a shard that is finished or no longer exists, with its progress; its failures stay.
    ///
    /// - Returns: `false` when the counter is no longer the one that was seen; nothing is changed then.
    @discardableResult
    func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool
}

/// One shard for one mapping.
package struct LeaseKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let mapping: MappingID
    package let shard: ShardID

    package init(mapping: MappingID, shard: ShardID) {
        self.mapping = mapping
        self.shard = shard
    }

    package var description: String { "\(mapping)/\(shard)" }

    package static func < (left: LeaseKey, right: LeaseKey) -> Bool {
        (left.mapping, left.shard) < (right.mapping, right.shard)
    }
}

/// The exclusive right to process one shard for one mapping, as its owner holds it.
package struct Lease: Hashable, Sendable {
    package let key: LeaseKey
    package let owner: WorkerID
    /// The fencing number: the row's counter when the lease was acquired.
    package let counter: UInt64

    package init(key: LeaseKey, owner: WorkerID, counter: UInt64) {
        self.key = key
        self.owner = owner
        self.counter = counter
    }
}

/// A lease's row, as any worker sees it.
package struct LeaseRow: Hashable, Sendable {
    package let key: LeaseKey
    /// Who has the lease, or waits for it while there is a `checkpointOwner`; `nil` while nobody does.
    package let owner: WorkerID?
    /// Who still has the lease and is asked to hand it over to `owner`; its name in KCL's table.
    package let checkpointOwner: WorkerID?
    /// Raised by every write of the holder: as long as it grows, the holder lives.
    package let counter: UInt64
    package let checkpoint: Checkpoint
    package let parents: [ShardID]
    /// Those that have rows, or had.
    package let children: [ShardID]
    /// `nil` when the row was made by a client that does not store it.
    package let hashKeyRange: HashKeyRange?
    /// What was delivered of the shard lately, in KB/s; `nil` before the first renewal.
    package let throughput: Double?
    /// The store knows for certain that the holder's process has ended, so there is nothing to wait for.
    package let isOrphaned: Bool

    package init(
        key: LeaseKey,
        owner: WorkerID?,
        checkpointOwner: WorkerID? = nil,
        counter: UInt64,
        checkpoint: Checkpoint,
        parents: [ShardID],
        children: [ShardID] = [],
        hashKeyRange: HashKeyRange? = nil,
        throughput: Double? = nil,
        isOrphaned: Bool = false
    ) {
        self.key = key
        self.owner = owner
        self.checkpointOwner = checkpointOwner
        self.counter = counter
        self.checkpoint = checkpoint
        self.parents = parents
        self.children = children
        self.hashKeyRange = hashKeyRange
        self.throughput = throughput
        self.isOrphaned = isOrphaned
    }

    /// Who may write to the row: the owner, or during a hand-off the one before it.
    package var holder: WorkerID? { checkpointOwner ?? owner }

    /// The same row, whose holder's process has ended for certain.
    package var orphaned: LeaseRow {
        LeaseRow(
            key: key,
            owner: owner,
            checkpointOwner: checkpointOwner,
            counter: counter,
            checkpoint: checkpoint,
            parents: parents,
            children: children,
            hashKeyRange: hashKeyRange,
            throughput: throughput,
            isOrphaned: true
        )
    }
}

/// A row to add for a shard that has none.
package struct NewLease: Hashable, Sendable {
    package let shard: Shard
    package let checkpoint: Checkpoint

    package init(shard: Shard, checkpoint: Checkpoint) {
        self.shard = shard
        self.checkpoint = checkpoint
    }
}

/// Another worker has the lease now: the write was refused, and nothing more may be done under it.
package struct LeaseLost: Error, Hashable, CustomStringConvertible {
    package let key: LeaseKey
    package init(key: LeaseKey) { self.key = key }
    package var description: String { "lease \(key) belongs to another worker now" }
}

/// The store renewed some of the leases and gave no answer for the others; calling again is safe.
package struct PartlyRenewed: Error, CustomStringConvertible {
    /// No longer the caller's.
    package let lost: Set<LeaseKey>
    /// Neither renewed nor known to be lost.
    package let unanswered: Set<LeaseKey>
    package let cause: StoreUnavailable

    package init(lost: Set<LeaseKey>, unanswered: Set<LeaseKey>, cause: StoreUnavailable) {
        self.lost = lost
        self.unanswered = unanswered
        self.cause = cause
    }

    package var description: String { "\(unanswered.count) leases were not renewed: \(cause)" }
}

/// The store did not carry out the call; calling again is safe.
package struct StoreUnavailable: Error, CustomStringConvertible {
    /// The file or table.
    package let store: String
    package let cause: any Error

    package init(store: String, cause: any Error) {
        self.store = store
        self.cause = cause
    }

    package var description: String { "store \(store) is unavailable: \(cause)" }
}

extension LeaseStore {
    /// Renews without news of how busy the shards are.
    package func renew(_ leases: [Lease]) async throws -> Set<LeaseKey> {
        try await renew(leases, throughput: [:])
    }

    /// Records that everything up to and including `checkpoint` is done, and nothing else.
    package func checkpoint(_ lease: Lease, at checkpoint: Checkpoint) async throws {
        try await commit(ShardCommit(checkpoint: checkpoint), under: lease)
    }
}
