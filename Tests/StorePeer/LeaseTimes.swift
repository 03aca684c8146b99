import Foundation
import SQLiteStore
import StreamCore

/// Measures what a worker with many leases asks of the store in each of its rounds.
struct LeaseTimes {
    let database: SQLiteDatabase
    let count: Int

    private static let rounds = 21
    /// As many digits as those of Kinesis.
    private static let checkpoint = SequenceNumber(String(repeating: "4", count: 56)) ?? .zero

    /// Prints the median of each call and what it costs in CPU time.
    func measure() async throws {
        let store = SQLiteLeaseStore(database)
        let mapping = try await makeMapping()
        let width = UInt128.max / UInt128(count)
        let new = (0..<count).map { number in
            NewLease(
                shard: Shard(
                    id: ShardID(number: number),
                    hashKeyRange: HashKeyRange(
                        start: UInt128(number) * width,
                        end: UInt128(number + 1) * width - 1
                    ),
                    startingSequenceNumber: .zero
                ),
                checkpoint: .at(Self.checkpoint)
            )
        }
        try await store.add(new, to: mapping)
        var leases: [Lease] = []
        for row in try await store.leases(of: mapping) {
            guard let lease = try await store.acquire(row.key, seen: row.counter, for: "worker") else {
                exit(2)
            }
            leases.append(lease)
        }
        let rates = Dictionary(uniqueKeysWithValues: leases.map { ($0.key, 12.5) })
        let thousand = Array(leases.prefix(1000))
        try await time("renew \(thousand.count) leases") { _ = try await store.renew(thousand) }
        try await time("renew \(thousand.count) leases with throughput") {
            _ = try await store.renew(thousand, throughput: rates)
        }
        try await time("renew \(count) leases") { _ = try await store.renew(leases) }
        try await time("read \(count) leases") { _ = try await store.leases(of: mapping) }
    }

    private func makeMapping() async throws -> MappingID {
        let registry = FunctionRegistry(database)
        try await registry.register([
            FunctionDefinition(
                name: "orders",
                runtime: .provided("provided.al2023"),
                handler: "bootstrap",
                codeDirectory: "/functions/orders",
                eventSources: [EventSource(stream: "first", startingPosition: .trimHorizon)]
            )
        ])
        guard let mapping = try await registry.mappings().first else { exit(2) }
        return mapping.id
    }

    private func time(_ what: String, _ call: () async throws -> Void) async throws {
        let clock = ContinuousClock()
        var times: [Duration] = []
        let before = Duration.cpuTime
        for _ in 0..<Self.rounds {
            let start = clock.now
            try await call()
            times.append(clock.now - start)
        }
        let cpu = (Duration.cpuTime - before).inMilliseconds / Double(Self.rounds)
        let median = times.sorted()[Self.rounds / 2].inMilliseconds
        say(String(format: "%@: median %.2f ms, %.2f ms of CPU", what, median, cpu))
    }
}
