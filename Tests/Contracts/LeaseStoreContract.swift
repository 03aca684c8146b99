package import StreamCore
import TestSupport
import Testing

/// What every `LeaseStore` does.
package enum LeaseStoreContract {
    /// An empty store that knows two mappings.
    package struct Subject: Sendable {
        package let store: any LeaseStore
        package let mapping: MappingID
        package let otherMapping: MappingID
        /// What was filed of one shard, in order.
        package let failures: @Sendable (LeaseKey) async throws -> [BatchFailure]

        package init(
            store: any LeaseStore,
            mapping: MappingID,
            otherMapping: MappingID,
            failures: @escaping @Sendable (LeaseKey) async throws -> [BatchFailure]
        ) {
            self.store = store
            self.mapping = mapping
            self.otherMapping = otherMapping
            self.failures = failures
        }
    }

    package static let rules =
        addingRules + acquiringRules + fencingRules + checkpointRules + progressRules + handOffRules
        + freeingRules
        + [randomCalls]
}

// MARK: - Rows

extension LeaseStoreContract {
    private static let addingRules: [ContractRule<Subject>] = [
        ContractRule("an added lease is free, at its checkpoint, with its parents") { subject in
            let shard = Shard.numbered(5, parents: 1, 2)

            try await subject.store.add([NewLease(shard: shard, checkpoint: 7)], to: subject.mapping)

            let row = try #require(try await subject.store.leases(of: subject.mapping).first)
            #expect(row.key == LeaseKey(mapping: subject.mapping, shard: shard.id))
            #expect(row.owner == nil)
            #expect(row.checkpoint == 7)
            #expect(row.parents == shard.parents)
        },
        ContractRule("every kind of checkpoint is kept as it is") { subject in
            let largest = try #require(SequenceNumber(String(repeating: "5", count: 56)))
            let checkpoints: [Checkpoint] = [
                .start(.trimHorizon), .start(.latest),
                .start(.atTimestamp(Timestamp(milliseconds: 1_700_000_000_123))),
                .at(.zero), .at(largest), .shardEnd,
            ]

            let new = checkpoints.enumerated().map { NewLease(shard: .numbered($0), checkpoint: $1) }
            try await subject.store.add(new, to: subject.mapping)

            #expect(try await subject.store.leases(of: subject.mapping).map(\.checkpoint) == checkpoints)
        },
        ContractRule("adding a lease again leaves it as it is") { subject in
            let lease = try await subject.acquired(0, at: 7)

            try await subject.store.add([NewLease(shard: .numbered(0), checkpoint: 99)], to: subject.mapping)

            let row = try await subject.row(0)
            #expect(row.owner == lease.owner)
            #expect(row.checkpoint == 7)
            try await subject.store.checkpoint(lease, at: 8)
        },
        ContractRule("a shard's range of hash keys is kept, and a new shard entered once with each parent") {
            subject in
            let (first, second) = (Shard.numbered(1), Shard.numbered(2))
            let child = Shard.numbered(5, parents: 1, 2)
            let orphan = Shard.numbered(6, parents: 404, 405)

            try await subject.store.add(
                [first, second].map { NewLease(shard: $0, checkpoint: .start(.trimHorizon)) },
                to: subject.mapping
            )
            for _ in 0..<2 {
                try await subject.store.add(
                    [child, orphan].map { NewLease(shard: $0, checkpoint: .start(.trimHorizon)) },
                    to: subject.mapping
                )
            }

            #expect(try await subject.row(1).children == [child.id])
            #expect(try await subject.row(2).children == [child.id])
            #expect(try await subject.row(5).children.isEmpty)
            #expect(try await subject.row(6).parents == orphan.parents)
            #expect(try await subject.row(5).hashKeyRange == child.hashKeyRange)
        },
        ContractRule("the halves of a split shard are both its children") { subject in
            try await subject.store.add([.start(0)], to: subject.mapping)

            for number in [1, 2] {
                let half = Shard(ShardID(number: number), parent: ShardID(number: 0))
                try await subject.store.add(
                    [NewLease(shard: half, checkpoint: .start(.trimHorizon))],
                    to: subject.mapping
                )
            }

            let halves = [1, 2].map(ShardID.init(number:))
            #expect(try await subject.row(0).children.sorted() == halves)
        },
        ContractRule("leases are listed in key order, each mapping's by itself") { subject in
            try await subject.store.add([3, 1, 2].map { .start($0) }, to: subject.mapping)
            try await subject.store.add([.start(9)], to: subject.otherMapping)

            let shards = try await subject.store.leases(of: subject.mapping).map(\.key.shard)

            #expect(shards == [1, 2, 3].map(ShardID.init(number:)))
        },
        ContractRule("a removed lease is gone, and lost to its owner") { subject in
            let lease = try await subject.acquired(0)

            try await subject.remove(lease.key)
            try await subject.remove(lease.key)

            #expect(try await subject.store.leases(of: subject.mapping).isEmpty)
            await #expect(throws: LeaseLost(key: lease.key)) {
                try await subject.store.checkpoint(lease, at: 1)
            }
        },
    ]
}

// MARK: - Acquiring

extension LeaseStoreContract {
    private static let acquiringRules: [ContractRule<Subject>] = [
        ContractRule("a free lease goes to the worker that asks, under a larger counter") { subject in
            try await subject.store.add([.start(0)], to: subject.mapping)
            let seen = try await subject.row(0).counter

            let lease = try #require(
                try await subject.store.acquire(subject.key(0), seen: seen, for: "worker-a")
            )

            #expect(lease.counter > seen)
            #expect(lease.owner == "worker-a")
            #expect(try await subject.row(0).owner == "worker-a")
        },
        ContractRule("of many workers that saw the same counter one gets the lease") { subject in
            try await subject.store.add([.start(0)], to: subject.mapping)
            let seen = try await subject.row(0).counter

            let leases = try await withThrowingTaskGroup(of: Lease?.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        try await subject.store.acquire(
                            subject.key(0),
                            seen: seen,
                            for: WorkerID(unchecked: "worker-\(number)")
                        )
                    }
                }
                return try await group.reduce(into: [Lease]()) { if let lease = $1 { $0.append(lease) } }
            }

            let owner = try await subject.row(0).owner
            #expect(leases.map(\.owner) == [owner])
        },
        ContractRule("a lease that was renewed since it was seen cannot be acquired") { subject in
            let lease = try await subject.acquired(0)
            let seen = try await subject.row(0).counter

            #expect(try await subject.store.renew([lease]).isEmpty)

            #expect(try await subject.store.acquire(lease.key, seen: seen, for: "worker-b") == nil)
            try await subject.store.checkpoint(lease, at: 1)
        },
        ContractRule("a lease that does not exist cannot be acquired") { subject in
            let lease = try await subject.store.acquire(subject.key(404), seen: 0, for: "worker-a")

            #expect(lease == nil)
        },
        ContractRule("a released lease can be acquired at once and keeps its checkpoint") { subject in
            let first = try await subject.acquired(0)
            try await subject.store.checkpoint(first, at: 42)

            try await subject.store.release(first)

            let row = try await subject.row(0)
            #expect(row.owner == nil)
            let second = try #require(
                try await subject.store.acquire(row.key, seen: row.counter, for: "worker-b")
            )
            #expect(second.counter > first.counter)
            #expect(try await subject.row(0).checkpoint == 42)
        },
    ]
}

// MARK: - Fencing

extension LeaseStoreContract {
    private static let fencingRules: [ContractRule<Subject>] = [
        ContractRule("every write of the owner raises the counter") { subject in
            let lease = try await subject.acquired(0)
            var counters = [try await subject.row(0).counter]

            _ = try await subject.store.renew([lease])
            counters.append(try await subject.row(0).counter)
            try await subject.store.checkpoint(lease, at: 1)
            counters.append(try await subject.row(0).counter)
            try await subject.store.release(lease)
            counters.append(try await subject.row(0).counter)

            #expect(counters == Array(Set(counters)).sorted())
        },
        ContractRule("who lost a lease can neither checkpoint nor renew nor release it") { subject in
            let old = try await subject.acquired(0, at: 5)
            let new = try await subject.taken(from: old, by: "worker-b")
            let before = try await subject.row(0)

            await #expect(throws: LeaseLost(key: old.key)) { try await subject.store.checkpoint(old, at: 9) }
            #expect(try await subject.store.renew([old]) == [old.key])
            try await subject.store.release(old)

            #expect(try await subject.row(0) == before)
            try await subject.store.checkpoint(new, at: 6)
            #expect(try await subject.row(0).checkpoint == 6)
        },
        ContractRule("a worker's earlier lease stays lost after it acquired the same shard again") {
            subject in
            let old = try await subject.acquired(0)
            let new = try await subject.taken(from: old, by: old.owner)

            await #expect(throws: LeaseLost.self) { try await subject.store.checkpoint(old, at: 9) }
            #expect(try await subject.store.renew([old]) == [old.key])
            #expect(try await subject.store.renew([new]).isEmpty)
            try await subject.store.checkpoint(new, at: 6)

            #expect(try await subject.row(0).checkpoint == 6)
        },
        ContractRule("a released lease cannot checkpoint") { subject in
            let lease = try await subject.acquired(0)

            try await subject.store.release(lease)
            try await subject.store.release(lease)

            await #expect(throws: LeaseLost.self) { try await subject.store.checkpoint(lease, at: 1) }
        },
        ContractRule("renewing many leases names exactly the lost ones") { subject in
            try await subject.store.add((0..<200).map { .start($0) }, to: subject.mapping)
            var leases: [Lease] = []
            for shard in 0..<200 { leases.append(try await subject.lease(of: shard, for: "worker-a")) }
            var lost: Set<LeaseKey> = []
            for lease in leases where lease.key.shard.text.hasSuffix("7") {
                _ = try await subject.taken(from: lease, by: "worker-b")
                lost.insert(lease.key)
            }
            try await subject.remove(leases[0].key)
            lost.insert(leases[0].key)

            #expect(try await subject.store.renew(leases) == lost)
            #expect(try await subject.store.renew([]).isEmpty)
        },
        ContractRule("leases of several mappings are renewed at once") { subject in
            let first = try await subject.acquired(0)
            try await subject.store.add([.start(0)], to: subject.otherMapping)
            let key = LeaseKey(mapping: subject.otherMapping, shard: first.key.shard)
            let second = try #require(try await subject.store.acquire(key, seen: 0, for: "worker-a"))

            try await subject.store.release(second)

            #expect(try await subject.store.renew([first, second]) == [second.key])
        },
        ContractRule(
            "throughput is each shard's own, stays when a renewal has none, and is the holder's to tell"
        ) { subject in
            let lease = try await subject.acquired(0)
            let other = try await subject.acquired(1)
            #expect(try await subject.row(0).throughput == nil)

            _ = try await subject.store.renew([lease, other], throughput: [lease.key: 12.5])
            _ = try await subject.store.renew([lease, other], throughput: [other.key: 0])
            try await subject.store.checkpoint(lease, at: 1)
            let taken = try await subject.taken(from: lease, by: "worker-b")
            #expect(try await subject.store.renew([lease], throughput: [lease.key: 99]) == [lease.key])

            #expect(try await subject.row(0).throughput == 12.5)
            #expect(try await subject.row(1).throughput == 0)
            _ = try await subject.store.renew([taken], throughput: [taken.key: 1e-7])
            #expect(try await subject.row(0).throughput == 1e-7)
        },
    ]
}

// MARK: - Checkpoints

extension LeaseStoreContract {
    private static let checkpointRules: [ContractRule<Subject>] = [
        ContractRule("a checkpoint moves forward and never back") { subject in
            let long = try #require(SequenceNumber("100000000000000000000"))
            let lease = try await subject.acquired(0, at: .start(.trimHorizon))
            let steps: [(write: Checkpoint, expected: Checkpoint)] = [
                (9, 9), (8, 9), (.start(.latest), 9), (10, 10), (10, 10), (9, 10), (.at(long), .at(long)),
                (99, .at(long)), (.shardEnd, .shardEnd), (.at(long), .shardEnd),
                (.start(.trimHorizon), .shardEnd),
            ]

            for step in steps {
                try await subject.store.checkpoint(lease, at: step.write)

                #expect(try await subject.row(0).checkpoint == step.expected)
            }
        },
        ContractRule("a shard that started at a time moves on to numbers") { subject in
            let time = Checkpoint.start(.atTimestamp(Timestamp(milliseconds: 1)))
            let lease = try await subject.acquired(0, at: time)

            try await subject.store.checkpoint(lease, at: time)
            #expect(try await subject.row(0).checkpoint == time)
            try await subject.store.checkpoint(lease, at: 3)

            #expect(try await subject.row(0).checkpoint == 3)
        },
        ContractRule("checkpoints of many shards at once end each at its own last one") { subject in
            try await subject.store.add((0..<32).map { .start($0) }, to: subject.mapping)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for shard in 0..<32 {
                    group.addTask {
                        let lease = try await subject.lease(of: shard, for: "worker-a")
                        for number in 1...UInt64(20 + shard) {
                            try await subject.store.checkpoint(
                                lease,
                                at: .at(SequenceNumber(integerLiteral: number))
                            )
                        }
                    }
                }
                try await group.waitForAll()
            }

            let expected = (0..<32).map { Checkpoint.at(SequenceNumber(integerLiteral: UInt64(20 + $0))) }
            #expect(try await subject.store.leases(of: subject.mapping).map(\.checkpoint) == expected)
        },
        ContractRule("a lost lease among checkpoints written at once fails its caller only") { subject in
            try await subject.store.add((0..<16).map { .start($0) }, to: subject.mapping)
            var leases: [Lease] = []
            for shard in 0..<16 { leases.append(try await subject.lease(of: shard, for: "worker-a")) }
            let lost = Set(leases.filter { $0.key.shard.text.hasSuffix("3") }.map(\.key))
            for lease in leases where lost.contains(lease.key) {
                _ = try await subject.taken(from: lease, by: "worker-b")
            }

            let failed = await withTaskGroup(of: LeaseKey?.self) { group in
                for lease in leases {
                    group.addTask {
                        do {
                            try await subject.store.checkpoint(lease, at: 1)
                            return nil
                        } catch {
                            return (error as? LeaseLost)?.key
                        }
                    }
                }
                return await group.reduce(into: Set<LeaseKey>()) { if let key = $1 { $0.insert(key) } }
            }

            #expect(failed == lost)
        },
    ]
}
