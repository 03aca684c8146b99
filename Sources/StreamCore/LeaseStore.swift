/// Decides which worker owns which shard, and remembers how far each shard has been processed.
///
/// Lease and checkpoint share a row, and the row is the fence: every write is conditional on the owner and on
/// the counter under which it acquired the lease. Whoever lost the lease can no longer move anything.
package protocol LeaseStore: Sendable {
    /// Every lease of the mapping, in key order.
    func leases(of mapping: MappingID) async throws -> [LeaseRow]

    /// Adds rows for shards seen for the first time, unowned; rows that exist stay as they are.
    func add(_ shards: [NewLease], to mapping: MappingID) async throws

    /// Takes the lease if its counter is still the one that was seen: it is free, or expired by the caller's
    /// observation.
    ///
    /// - Returns: The lease under a new counter, or `nil` when another worker was faster.
    func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease?

    /// Shows that the owner is alive: raises the counter of each row, in one statement.
    ///
    /// - Returns: The leases that are no longer the caller's.
    func renew(_ leases: [Lease]) async throws -> Set<LeaseKey>

    /// Moves the checkpoint, the progress beyond it and the failures before it together, or none of them.
    ///
    /// Writes of many shards are committed together; the call returns when its own is committed.
    /// - Throws: `LeaseLost` when the lease is no longer the caller's: nothing was written; stop processing at once.
    func commit(_ commit: ShardCommit, under lease: Lease) async throws

    /// What the owners of this shard have stored beyond its checkpoint; `.none` when there is nothing.
    ///
    /// To be read once after the lease was acquired: nobody else writes it while it is held.
    func progress(of key: LeaseKey) async throws -> ShardProgress

    /// Gives the lease up, so that another worker can take it at once.
    ///
    /// Nothing happens when it is lost already.
    func release(_ lease: Lease) async throws

    /// Removes the row of a shard that no longer exists, whoever owns it, with its progress; its failures stay.
    func remove(_ key: LeaseKey) async throws
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
    /// `nil` while nobody has it.
    package let owner: WorkerID?
    /// Raised by every write of the owner: as long as it grows, the owner lives.
    package let counter: UInt64
    package let checkpoint: Checkpoint
    package let parents: [ShardID]
    /// The store knows for certain that the owner's process has ended, so there is nothing to wait for.
    package let isOrphaned: Bool

    package init(
        key: LeaseKey,
        owner: WorkerID?,
        counter: UInt64,
        checkpoint: Checkpoint,
        parents: [ShardID],
        isOrphaned: Bool = false
    ) {
        self.isOrphaned = isOrphaned
        self.key = key
        self.owner = owner
        self.counter = counter
        self.checkpoint = checkpoint
        self.parents = parents
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
    /// Records that everything up to and including `checkpoint` is done, and nothing else.
    package func checkpoint(_ lease: Lease, at checkpoint: Checkpoint) async throws {
        try await commit(ShardCommit(checkpoint: checkpoint), under: lease)
    }
}
