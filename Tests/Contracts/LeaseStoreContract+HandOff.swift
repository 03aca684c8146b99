import StreamCore
import Testing

// MARK: - Hand-off

extension LeaseStoreContract {
    static let handOffRules: [ContractRule<Subject>] = [
        ContractRule("a lease that is asked for stays with its holder, and says who waits for it") {
            subject in
            let lease = try await subject.acquired(0)
            let before = try await subject.row(0)

            #expect(try await subject.asked(for: lease))

            let row = try await subject.row(0)
            #expect(row.owner == "worker-b")
            #expect(row.checkpointOwner == "worker-a")
            #expect(row.holder == "worker-a")
            #expect(row.counter == before.counter)
            #expect(row.checkpoint == before.checkpoint)
        },
        ContractRule("during a hand-off the holder renews and commits, and its counter grows") { subject in
            let lease = try await subject.acquired(0)
            _ = try await subject.asked(for: lease)
            let before = try await subject.row(0)

            #expect(try await subject.store.renew([lease], throughput: [lease.key: 3.5]).isEmpty)
            try await subject.store.commit(
                ShardCommit(
                    checkpoint: 7,
                    progress: .set(.retrying(8, 9)),
                    failures: [.sample("one", of: lease.key, 6, 7)]
                ),
                under: lease
            )
            try await subject.store.commit(ShardCommit(progress: .set(.everything)), under: lease)

            let row = try await subject.row(0)
            #expect(row.counter == before.counter + 3)
            #expect(row.checkpoint == 7)
            #expect(row.throughput == 3.5)
            #expect(row.owner == "worker-b")
            #expect(row.checkpointOwner == "worker-a")
            #expect(try await subject.store.progress(of: lease.key) == .everything)
            #expect(try await subject.failures(lease.key).map(\.id) == ["one"])
        },
        ContractRule("the worker that waits can write nothing, whatever counter it claims") { subject in
            let lease = try await subject.acquired(0)
            _ = try await subject.asked(for: lease)
            let before = try await subject.row(0)
            let claimed = Lease(key: lease.key, owner: "worker-b", counter: lease.counter)

            #expect(try await subject.store.renew([claimed]) == [lease.key])
            await #expect(throws: LeaseLost(key: lease.key)) {
                try await subject.store.checkpoint(claimed, at: 1)
            }
            await #expect(throws: LeaseLost(key: lease.key)) {
                try await subject.store.commit(ShardCommit(progress: .set(.everything)), under: claimed)
            }
            try await subject.store.release(claimed)

            #expect(try await subject.row(0) == before)
            #expect(try await subject.store.progress(of: lease.key) == .none)
        },
        ContractRule(
            "only a lease that is held, and by whom it is said, can be asked for, and by one at a time"
        ) {
            subject in
            let store = subject.store
            #expect(
                try await !store.requestHandOff(subject.key(404), from: "worker-a", to: "worker-b")
            )
            try await store.add([.start(0)], to: subject.mapping)
            #expect(try await !store.requestHandOff(subject.key(0), from: "worker-a", to: "worker-b"))

            let lease = try await subject.lease(of: 0, for: "worker-a")
            #expect(try await !store.requestHandOff(lease.key, from: "worker-c", to: "worker-b"))
            #expect(try await subject.row(0).owner == "worker-a")
            #expect(try await subject.asked(for: lease))
            for holder in ["worker-a", "worker-b"] as [WorkerID] {
                #expect(try await !store.requestHandOff(lease.key, from: holder, to: "worker-c"))
            }
            #expect(try await subject.row(0).owner == "worker-b")
        },
        ContractRule("of many workers that ask for a lease at once one waits for it") { subject in
            let lease = try await subject.acquired(0)

            let granted = try await withThrowingTaskGroup(of: WorkerID?.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        let worker = WorkerID(unchecked: "worker-\(number)")
                        return try await subject.store.requestHandOff(lease.key, from: "worker-a", to: worker)
                            ? worker : nil
                    }
                }
                return try await group.reduce(into: [WorkerID]()) { if let worker = $1 { $0.append(worker) } }
            }

            #expect(granted == [try await subject.row(0).owner])
            #expect(try await subject.row(0).holder == "worker-a")
        },
        ContractRule("releasing reserves the lease for the worker that waits, which acquires it") { subject in
            let first = try await subject.acquired(0)
            _ = try await subject.asked(for: first)
            try await subject.store.checkpoint(first, at: 42)
            let before = try await subject.row(0)

            try await subject.store.release(first)

            let row = try await subject.row(0)
            #expect(row.owner == "worker-b")
            #expect(row.checkpointOwner == nil)
            #expect(row.counter > before.counter)
            #expect(try await subject.store.renew([first]) == [first.key])
            let second = try await subject.lease(of: 0, for: "worker-b")
            #expect(second.counter > row.counter)
            try await subject.store.checkpoint(second, at: 43)
            #expect(try await subject.row(0).checkpoint == 43)
            await #expect(throws: LeaseLost(key: first.key)) {
                try await subject.store.checkpoint(first, at: 44)
            }
        },
        ContractRule(
            "a reserved lease is nobody's: it cannot be asked for nor written, and anyone may acquire it"
        ) {
            subject in
            let first = try await subject.acquired(0)
            _ = try await subject.asked(for: first)
            try await subject.store.release(first)
            let row = try await subject.row(0)

            #expect(
                try await !subject.store.requestHandOff(first.key, from: "worker-b", to: "worker-c")
            )
            for counter in [first.counter, row.counter] {
                let claimed = Lease(key: first.key, owner: "worker-b", counter: counter)
                #expect(try await subject.store.renew([claimed]) == [first.key])
            }
            #expect(try await subject.row(0) == row)
            // Once its counter has stood still for the failover time.
            let third = try await subject.lease(of: 0, for: "worker-c")

            #expect(try await subject.row(0).owner == "worker-c")
            try await subject.store.checkpoint(third, at: 1)
        },
        ContractRule("acquiring over the heads of both ends the hand-off") { subject in
            for taker in ["worker-a", "worker-b", "worker-c"] as [WorkerID] {
                let number = try await subject.store.leases(of: subject.mapping).count
                let lease = try await subject.acquired(number)
                _ = try await subject.asked(for: lease)

                let taken = try await subject.taken(from: lease, by: taker)

                let row = try await subject.row(number)
                #expect(row.owner == taker)
                #expect(row.checkpointOwner == nil)
                #expect(try await subject.store.renew([lease]) == [lease.key])
                await #expect(throws: LeaseLost(key: lease.key)) {
                    try await subject.store.checkpoint(lease, at: 1)
                }
                try await subject.store.release(lease)
                #expect(try await subject.row(number) == row)
                try await subject.store.checkpoint(taken, at: 2)
            }
        },
        ContractRule("a lease that its holder has lost cannot be asked of it") { subject in
            let lease = try await subject.acquired(0)
            _ = try await subject.taken(from: lease, by: "worker-c")

            #expect(try await !subject.asked(for: lease))

            #expect(try await subject.row(0).owner == "worker-c")
        },
    ]
}

// MARK: - Freeing and removing

extension LeaseStoreContract {
    static let freeingRules: [ContractRule<Subject>] = [
        ContractRule("freeing takes the lease from its holder, and keeps its checkpoint and progress") {
            subject in
            let lease = try await subject.acquired(0)
            try await subject.store.commit(
                ShardCommit(checkpoint: 7, progress: .set(.retrying(8, 9))),
                under: lease
            )

            #expect(try await subject.store.free(lease.key, seen: try await subject.row(0).counter))

            let row = try await subject.row(0)
            #expect(row.holder == nil)
            #expect(row.checkpoint == 7)
            #expect(try await subject.store.progress(of: lease.key) == .retrying(8, 9))
            #expect(try await subject.store.renew([lease]) == [lease.key])
            await #expect(throws: LeaseLost(key: lease.key)) {
                try await subject.store.checkpoint(lease, at: 8)
            }
            let next = try await subject.lease(of: 0, for: "worker-b")
            #expect(next.counter > lease.counter)
        },
        ContractRule("freeing ends a hand-off, whoever has the lease by then") { subject in
            let asked = try await subject.acquired(0)
            _ = try await subject.asked(for: asked)
            let reserved = try await subject.acquired(1)
            _ = try await subject.asked(for: reserved)
            try await subject.store.release(reserved)

            for number in 0...1 {
                let counter = try await subject.row(number).counter
                #expect(try await subject.store.free(subject.key(number), seen: counter))

                let row = try await subject.row(number)
                #expect(row.owner == nil)
                #expect(row.checkpointOwner == nil)
                #expect(row.counter > counter)
            }
        },
        ContractRule("a counter that is no longer current neither frees nor removes") { subject in
            let lease = try await subject.acquired(0)
            let seen = try await subject.row(0).counter
            _ = try await subject.store.renew([lease])
            let before = try await subject.row(0)

            #expect(try await !subject.store.free(lease.key, seen: seen))
            #expect(try await !subject.store.remove(lease.key, seen: seen))
            #expect(try await !subject.store.free(subject.key(404), seen: 0))
            #expect(try await !subject.store.remove(subject.key(404), seen: 0))

            #expect(try await subject.row(0) == before)
            try await subject.store.checkpoint(lease, at: 1)
        },
        ContractRule("a shard that was removed and added again starts anew") { subject in
            let lease = try await subject.acquired(0)
            try await subject.store.commit(
                ShardCommit(checkpoint: 7, progress: .set(.everything)),
                under: lease
            )
            _ = try await subject.store.renew([lease], throughput: [lease.key: 5])
            _ = try await subject.asked(for: lease)

            try await subject.remove(lease.key)
            try await subject.store.add([.start(0)], to: subject.mapping)

            let row = try await subject.row(0)
            #expect(row.holder == nil)
            #expect(row.checkpoint == .start(.trimHorizon))
            #expect(row.throughput == nil)
            #expect(try await subject.store.progress(of: lease.key) == .none)
            #expect(try await subject.store.renew([lease]) == [lease.key])
        },
    ]
}

extension LeaseStoreContract.Subject {
    /// Has `worker-b` ask the owner of a lease for it.
    func asked(for lease: Lease) async throws -> Bool {
        try await store.requestHandOff(lease.key, from: lease.owner, to: "worker-b")
    }
}
