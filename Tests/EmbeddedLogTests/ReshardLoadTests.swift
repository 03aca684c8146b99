import EmbeddedLog
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ReshardLoadTests {
    private static let producers = 4
    private static let keysOfProducer = 16
    private static let reshards = 60

    @Test(arguments: Durability.allCases)
    func `while many reshard, what producers put is read once, in order per key, from parent to child`(
        durability: Durability
    ) async throws {
        let seed = SeededRandom().seed
        print("seed \(seed)")
        var options = LogOptions()
        options.durability = durability
        options.segmentBytes = 1 << 14
        options.openFileLimit = 8
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 4)
            let isOver = DrainSignal()
            let stored = StoredNumbers()
            let consumer = LineageConsumer(stream: stream)
            async let consumed: Void = consumer.run()
            try await withThrowingTaskGroup(of: Void.self) { producing in
                for producer in 0..<Self.producers {
                    producing.addTask {
                        try await self.produce(producer, into: stream, stored, until: isOver)
                    }
                }
                await reshard(stream, seed: seed)
                isOver.request()
                try await producing.waitForAll()
            }
            // Every shard ends, so that the consumer does.
            consumer.lastReshard(try await stream.endAll())
            try await consumed

            #expect(consumer.newest == stored.newest)
            #expect(consumer.newest.count == Self.producers * Self.keysOfProducer)
            let reading = try StreamReading(of: stream)
            reading.expectWholeLineage()
            reading.expectOrder()
            #expect(reading.records.count == stored.newest.values.reduce(0) { $0 + $1 + 1 })
        }
    }

    /// Each call has one record of each key; how far every key has come is noted when it is acknowledged.
    private func produce(
        _ producer: Int,
        into stream: EmbeddedStream,
        _ stored: StoredNumbers,
        until isOver: DrainSignal
    ) async throws {
        var number = 0
        while number < 20 || !isOver.isRequested {
            var records = NewRecords()
            for key in 0..<Self.keysOfProducer {
                let name = "\(producer)-\(key)"
                // Far apart, and no producer's like another's.
                let hashKey = UInt128(key) << 124 + UInt128(producer) << 122
                records.append(partitionKey: name, hashKey: hashKey, payload: "\(name) \(number)".utf8)
            }
            let result = await stream.append(records)
            try #require(result.isComplete)
            let shards = Dictionary(
                uniqueKeysWithValues: try stream.listShards().map { ($0.id, $0.hashKeyRange) }
            )
            for (entry, record) in zip(result.entries, records.entries) {
                let range = try #require(shards[ShardID(number: entry.shard)])
                #expect(range.contains(record.hashKey))
            }
            stored.note(number, of: (0..<Self.keysOfProducer).map { "\(producer)-\($0)" })
            number += 1
        }
    }

    /// Several at a time split, merge and scale at random; who comes too late is refused.
    private func reshard(_ stream: EmbeddedStream, seed: UInt64) async {
        await withTaskGroup(of: Void.self) { group in
            for resharder in 0..<3 {
                group.addTask {
                    var random = SeededRandom(seed: seed &+ UInt64(resharder))
                    for _ in 0..<Self.reshards / 3 {
                        do {
                            try await self.reshardOnce(stream, &random)
                        } catch {
                            #expect(error is ReshardRefusal)
                        }
                    }
                }
            }
        }
    }

    private func reshardOnce(_ stream: EmbeddedStream, _ random: inout SeededRandom) async throws {
        let open = try stream.listShards().filter(\.isOpen)
            .sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
        let place = Int.random(in: 0..<open.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1:
            try await stream.split(open[place].id, at: try stream.middle(of: open[place].id))
        case 2, 3:
            guard place + 1 < open.count else { return }
            try await stream.merge(open[place].id, with: open[place + 1].id)
        default:
            let most = min(20, open.count * 2)
            let count = Int.random(in: (open.count + 1) / 2...max(most, (open.count + 1) / 2), using: &random)
            try await stream.scale(to: count)
        }
    }
}

extension EmbeddedStream {
    /// Merges the shards until one is open, and splits that.
    ///
    /// - Returns: The last children, which are empty.
    fileprivate func endAll() async throws -> Set<ShardID> {
        while true {
            let open = try listShards().count(where: \.isOpen)
            if open == 1 { break }
            try await scale(to: (open + 1) / 2)
        }
        let last = try #require(try listShards().last { $0.isOpen }).id
        return Set(try await split(last, at: try middle(of: last)).map(\.id))
    }
}

/// The newest number that was acknowledged, by key.
private final class StoredNumbers: Sendable {
    private let numbers = Mutex<[String: Int]>([:])

    var newest: [String: Int] { numbers.withLock(\.self) }

    func note(_ number: Int, of keys: [String]) {
        numbers.withLock { numbers in
            for key in keys { numbers[key] = number }
        }
    }
}

/// Reads every shard of a stream that is resharded meanwhile, each after its parents have ended.
private final class LineageConsumer: Sendable {
    private struct State {
        var started: Set<ShardID> = []
        var ended: Set<ShardID> = []
        var newest: [String: Int] = [:]
        var last: Set<ShardID>?
    }

    private let stream: EmbeddedStream
    private let state = Mutex(State())
    private let wake = WakeSignal()

    init(stream: EmbeddedStream) {
        self.stream = stream
    }

    /// The number of the newest record read, by key; each was preceded by the one before.
    var newest: [String: Int] { state.withLock(\.newest) }

    /// No others follow these shards, which stay empty.
    func lastReshard(_ shards: Set<ShardID>) {
        state.withLock { $0.last = shards }
        wake.wake()
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await stream.wakingOnShardChange(wake) {
                while true {
                    let shards = try stream.listShards()
                    let (ready, isOver) = state.withLock { state in
                        let ready = shards.filter { shard in
                            !state.started.contains(shard.id) && state.ended.isSuperset(of: shard.parents)
                                && state.last?.contains(shard.id) != true
                        }
                        state.started.formUnion(ready.map(\.id))
                        let known = Set(shards.map(\.id))
                        let isOver = state.last.map { state.ended == known.subtracting($0) } ?? false
                        return (ready, isOver)
                    }
                    if isOver { break }
                    for shard in ready { group.addTask { try await self.read(shard.id) } }
                    await wake.wait(upTo: .seconds(60), on: ContinuousClock())
                }
            }
            group.cancelAll()
        }
    }

    /// Reads a shard to its end; one that stays open waits until then.
    private func read(_ shard: ShardID) async throws {
        let reader = try await stream.reader(of: shard, from: .trimHorizon)
        while true {
            let result = try await reader.read(maxRecords: 50, maxBytes: 1 << 14, wait: .seconds(60))
            state.withLock { note(result.batch, in: &$0) }
            if result.isEnd { break }
        }
        state.withLock { _ = $0.ended.insert(shard) }
        wake.wake()
    }

    private func note(_ batch: RecordBatch, in state: inout State) {
        for payload in batch.payloads {
            let words = payload.split(separator: " ")
            let (key, number) = (String(words[0]), Int(words[1]) ?? -1)
            #expect(number == (state.newest[key] ?? -1) + 1)
            state.newest[key] = number
        }
    }
}
