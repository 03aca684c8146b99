import Foundation
import SQLiteStore
import StreamCore

/// A worker that does nothing but keep its leases, and move a few of them.
struct Renewer: Sendable {
    let store: SQLiteLeaseStore
    let mapping: MappingID
    let first: Int
    let count: Int

    struct Times {
        /// The longest time from one renewal to the next.
        let worstGap: Duration
        let medianRenewal: Duration
        /// The median of the CPU time from one renewal to the next.
        let medianWork: Duration
    }

    private static let moving = 4

    func run(rounds: Int) async throws -> Times {
        let leases = try await acquireAll()
        return try await withThrowingTaskGroup(of: Times?.self) { group in
            for lease in leases.prefix(Self.moving) {
                group.addTask {
                    try await move(lease)
                    return nil
                }
            }
            group.addTask { try await renew(leases, rounds: rounds) }
            while let times = try await group.next() {
                guard let times else { continue }
                group.cancelAll()
                return times
            }
            exit(4)
        }
    }

    private func acquireAll() async throws -> [Lease] {
        let worker = WorkerID(unchecked: "worker-\(first)")
        var leases: [Lease] = []
        for number in first..<first + count {
            let key = LeaseKey(mapping: mapping, shard: ShardID(number: number))
            guard let lease = try await store.acquire(key, seen: 0, for: worker) else { exit(2) }
            leases.append(lease)
        }
        return leases
    }

    private func move(_ lease: Lease) async throws {
        var number: UInt64 = 0
        while !Task.isCancelled {
            number += 1
            try await store.checkpoint(lease, at: .at(SequenceNumber(integerLiteral: number)))
        }
    }

    private func renew(_ leases: [Lease], rounds: Int) async throws -> Times {
        let clock = ContinuousClock()
        var renewals: [Duration] = []
        var worstGap = Duration.zero
        var renewedAt = clock.now
        var works: [Duration] = []
        var worked = Duration.cpuTime
        for _ in 0..<rounds {
            _ = try await store.leases(of: mapping)
            let start = clock.now
            guard try await store.renew(leases).isEmpty else { exit(3) }
            let end = clock.now
            renewals.append(end - start)
            worstGap = max(worstGap, end - renewedAt)
            renewedAt = end
            let work = Duration.cpuTime
            works.append(work - worked)
            worked = work
        }
        return Times(
            worstGap: worstGap,
            medianRenewal: renewals.sorted()[renewals.count / 2],
            medianWork: works.sorted()[works.count / 2]
        )
    }
}
