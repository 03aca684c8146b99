import StreamCore
import Testing

extension LeaseStoreContract.Subject {
    func key(_ shard: Int) -> LeaseKey { LeaseKey(mapping: mapping, shard: ShardID(number: shard)) }

    func row(_ shard: Int) async throws -> LeaseRow {
        try #require(try await store.leases(of: mapping).first { $0.key == key(shard) })
    }

    /// Acquires a lease that was added before, as the row stands.
    func lease(of shard: Int, for worker: WorkerID) async throws -> Lease {
        let counter = try await row(shard).counter
        return try #require(try await store.acquire(key(shard), seen: counter, for: worker))
    }

    /// Adds a lease and acquires it for `worker-a`.
    func acquired(_ shard: Int, at checkpoint: Checkpoint = .start(.trimHorizon)) async throws -> Lease {
        try await store.add([NewLease(shard: .numbered(shard), checkpoint: checkpoint)], to: mapping)
        return try await lease(of: shard, for: "worker-a")
    }

    /// Removes a lease's row as it stands, if there is one.
    func remove(_ key: LeaseKey) async throws {
        guard let row = try await store.leases(of: key.mapping).first(where: { $0.key == key }) else {
            return
        }
        #expect(try await store.remove(key, seen: row.counter))
    }

    /// Acquires a lease over the head of its owner, who has not renewed it in time.
    func taken(from lease: Lease, by worker: WorkerID) async throws -> Lease {
        let row = try #require(try await store.leases(of: lease.key.mapping).first { $0.key == lease.key })
        return try #require(try await store.acquire(lease.key, seen: row.counter, for: worker))
    }
}

extension NewLease {
    static func start(_ shard: Int) -> NewLease {
        NewLease(shard: .numbered(shard), checkpoint: .start(.trimHorizon))
    }
}

extension Shard {
    init(_ id: ShardID, parent: ShardID? = nil, adjacentParent: ShardID? = nil) {
        self.init(
            id: id,
            hashKeyRange: HashKeyRange(start: 0, end: .max),
            parent: parent,
            adjacentParent: adjacentParent,
            startingSequenceNumber: .zero
        )
    }

    static func numbered(_ number: Int) -> Shard { Shard(ShardID(number: number)) }

    static func numbered(_ number: Int, parents first: Int, _ second: Int) -> Shard {
        Shard(
            ShardID(number: number),
            parent: ShardID(number: first),
            adjacentParent: ShardID(number: second)
        )
    }
}

extension Checkpoint: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt64) { self = .at(SequenceNumber(integerLiteral: value)) }
}
