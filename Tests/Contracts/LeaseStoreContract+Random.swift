import StreamCore
import TestSupport
import Testing

extension LeaseStoreContract {
    /// Three workers call at random, with leases they may have lost long ago; a model in memory says what must come of it.
    ///
    /// Counters are compared too: as in KCL, each write of the row raises them by one.
    static let randomCalls = ContractRule<Subject>("random calls of three workers come out as in the model") {
        subject in
        var random = SeededRandom()
        print("seed \(random.seed)")
        let model = MemoryLeaseStore()
        let workers: [WorkerID] = ["worker-a", "worker-b", "worker-c"]
        var leases: [Lease] = []

        for step in 0..<400 {
            let key = subject.key(Int.random(in: 0..<3, using: &random))
            let lease = leases.randomElement(using: &random)
            let worker = workers[Int.random(in: 0..<workers.count, using: &random)]
            switch (Int.random(in: 0..<10, using: &random), lease) {
            case (0, _):
                let new = NewLease(shard: Shard(key.shard), checkpoint: .start(.trimHorizon))
                try await subject.store.add([new], to: key.mapping)
                try await model.add([new], to: key.mapping)
            case (1...3, _):
                // Sometimes a counter that is no longer current.
                let row = try await model.leases(of: key.mapping).first { $0.key == key }
                let seen = (row?.counter ?? 0) - (Bool.random(using: &random) ? min(1, row?.counter ?? 0) : 0)
                let lease = try await model.acquire(key, seen: seen, for: worker)
                #expect(
                    try await subject.store.acquire(key, seen: seen, for: worker) == lease,
                    "step \(step)"
                )
                if let lease { leases.append(lease) }
            case (4...5, _):
                let some = leases.filter { _ in Bool.random(using: &random) }
                // A worker renews each shard once.
                let unique = Array(Dictionary(some.map { ($0.key, $0) }) { $1 }.values)
                let expected = try await model.renew(unique)
                #expect(try await subject.store.renew(unique) == expected, "step \(step)")
            case (6...8, let lease?):
                let checkpoint = Checkpoint.at(SequenceNumber(.random(in: 0..<150, using: &random)))
                let expected = await isHeld { try await model.checkpoint(lease, at: checkpoint) }
                let actual = await isHeld { try await subject.store.checkpoint(lease, at: checkpoint) }
                #expect(actual == expected, "step \(step)")
            case (9, let lease?):
                try await subject.store.release(lease)
                try await model.release(lease)
            default:
                continue
            }
            let expected = try await model.leases(of: subject.mapping)
            #expect(try await subject.store.leases(of: subject.mapping) == expected, "step \(step)")
        }
    }

    private static func isHeld(_ write: () async throws -> Void) async -> Bool {
        do {
            try await write()
            return true
        } catch {
            #expect(error is LeaseLost)
            return false
        }
    }
}
