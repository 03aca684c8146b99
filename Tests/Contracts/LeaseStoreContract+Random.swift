import StreamCore
import TestSupport
import Testing

extension LeaseStoreContract {
    /// Three workers call at random, with leases they may have lost long ago; a model in memory says what must come of
    /// it.
    ///
    /// Counters are compared too: as in KCL, each write of the row raises them by one.
    static let randomCalls = ContractRule<Subject>("random calls of three workers come out as in the model") {
        subject in
        var random = SeededRandom()
        print("seed \(random.seed)")
        let model = MemoryLeaseStore()
        let workers: [WorkerID] = ["worker-a", "worker-b", "worker-c"]
        var leases: [Lease] = []

        for step in 0..<600 {
            let key = subject.key(Int.random(in: 0..<3, using: &random))
            let lease = leases.randomElement(using: &random)
            let worker = workers[Int.random(in: 0..<workers.count, using: &random)]
            switch (Int.random(in: 0..<13, using: &random), lease) {
            case (0, _):
                let new = NewLease(shard: Shard(key.shard), checkpoint: .start(.trimHorizon))
                try await subject.store.add([new], to: key.mapping)
                try await model.add([new], to: key.mapping)
            case (1...3, _):
                let seen = try await Self.counter(of: key, in: model, &random)
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
                var throughput: [LeaseKey: Double] = [:]
                for lease in unique where Bool.random(using: &random) {
                    throughput[lease.key] = .random(in: 0..<1000, using: &random)
                }
                let expected = try await model.renew(unique, throughput: throughput)
                #expect(
                    try await subject.store.renew(unique, throughput: throughput) == expected,
                    "step \(step)"
                )
            case (6...8, let lease?):
                let checkpoint = Checkpoint.at(SequenceNumber(.random(in: 0..<150, using: &random)))
                let expected = await isHeld { try await model.checkpoint(lease, at: checkpoint) }
                let actual = await isHeld { try await subject.store.checkpoint(lease, at: checkpoint) }
                #expect(actual == expected, "step \(step)")
            case (9, let lease?):
                try await subject.store.release(lease)
                try await model.release(lease)
            case (10, _):
                let holder = workers[Int.random(in: 0..<workers.count, using: &random)]
                let expected = try await model.requestHandOff(key, from: holder, to: worker)
                let actual = try await subject.store.requestHandOff(key, from: holder, to: worker)
                #expect(actual == expected, "step \(step)")
            case (11, _):
                let seen = try await Self.counter(of: key, in: model, &random)
                let expected = try await model.free(key, seen: seen)
                #expect(try await subject.store.free(key, seen: seen) == expected, "step \(step)")
            case (12, _) where step.isMultiple(of: 3):
                let seen = try await Self.counter(of: key, in: model, &random)
                let expected = try await model.remove(key, seen: seen)
                #expect(try await subject.store.remove(key, seen: seen) == expected, "step \(step)")
            default:
                continue
            }
            let expected = try await model.leases(of: subject.mapping)
            #expect(try await subject.store.leases(of: subject.mapping) == expected, "step \(step)")
        }
    }

    /// The row's counter, or sometimes the one before it.
    private static func counter(
        of key: LeaseKey,
        in model: MemoryLeaseStore,
        _ random: inout SeededRandom
    ) async throws -> UInt64 {
        let counter = try await model.leases(of: key.mapping).first { $0.key == key }?.counter ?? 0
        return Bool.random(using: &random) ? counter : counter - min(1, counter)
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
