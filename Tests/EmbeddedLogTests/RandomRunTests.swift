import EmbeddedLog
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct RandomRunTests {
    /// What a shard must hold.
    private struct Model {
        var payloads: [String] = []
        var numbers: [SequenceNumber] = []
    }

    @Test(arguments: Durability.allCases)
    func `random appends, reads and openings agree with a model`(durability: Durability) async throws {
        var random = SeededRandom()
        print("seed \(random.seed)")
        var options = LogOptions()
        options.durability = durability
        options.segmentBytes = 4096
        options.openFileLimit = 3
        try await withTemporaryDirectory { path in
            var models = [Model](repeating: Model(), count: 3)
            try await reopened(path, options) { try $0.createStream("flights", shardCount: 3) }
            for _ in 0..<8 {
                try await reopened(path, options) { log in
                    let stream = try log.stream("flights")
                    for _ in 0..<40 {
                        try await appendSome(to: stream, &models, &random)
                        try checkSome(of: stream, models, &random)
                    }
                }
            }
        }
    }

    private func appendSome(
        to stream: EmbeddedStream,
        _ models: inout [Model],
        _ random: inout SeededRandom
    ) async throws {
        var records = NewRecords()
        var payloads: [String] = []
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let isLarge = Int.random(in: 0..<50, using: &random) == 0
            let size = Int.random(in: 0...(isLarge ? 9000 : 60), using: &random)
            payloads.append(
                String(repeating: "x", count: size) + "\(UInt32.random(in: 0...UInt32.max, using: &random))"
            )
            let key = UInt128(UInt64.random(in: 0...UInt64.max, using: &random)) << 64
            records.append(partitionKey: "k", hashKey: key, payload: payloads[payloads.count - 1].utf8)
        }
        let result = await stream.append(records)
        #expect(result.isComplete)
        for (payload, entry) in zip(payloads, result.entries) {
            models[entry.shard].payloads.append(payload)
            models[entry.shard].numbers.append(entry.sequenceNumber)
        }
    }

    private func checkSome(of stream: EmbeddedStream, _ models: [Model], _ random: inout SeededRandom) throws
    {
        let shard = Int.random(in: 0..<models.count, using: &random)
        let model = models[shard]
        guard !model.numbers.isEmpty else { return }
        let start = Int.random(in: 0..<model.numbers.count, using: &random)
        let isAfter = Bool.random(using: &random)
        let number = model.numbers[start]
        let id = ShardID(number: shard)
        let cursor = try stream.cursor(
            in: id,
            at: isAfter ? .afterSequenceNumber(number) : .atSequenceNumber(number)
        )
        let limit = Int.random(in: 1...30, using: &random)
        let read = try stream.read(id, from: cursor, maxRecords: limit, maxBytes: .max).result.batch

        let expected = (isAfter ? start + 1 : start)..<model.numbers.count
        #expect(read.isEmpty == expected.isEmpty)
        let got = expected.prefix(read.count)
        #expect(read.payloads == got.map { model.payloads[$0] })
        #expect(read.entries.map(\.sequenceNumber) == got.map { model.numbers[$0] })
        if start % 7 == 0 {
            #expect(try stream.readAll(id).payloads == model.payloads)
        }
    }

    @Test(arguments: Durability.allCases)
    func `what many tasks append is read in order, nothing lost and nothing twice`(durability: Durability)
        async throws
    {
        var options = LogOptions()
        options.durability = durability
        options.segmentBytes = 1 << 16
        // Readers wait for as long as the writers take.
        options.clock = TestClock()
        let (writers, rounds, perRound) = (6, 60, 10)
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 2)
            let perShard = writers * rounds * perRound / 2
            try await withThrowingTaskGroup(of: [String].self) { group in
                for shard in 0..<2 {
                    group.addTask { try await read(perShard, from: stream, ShardID(number: shard)) }
                }
                await append(to: stream, writers: writers, rounds: rounds, perRound: perRound)
                for try await payloads in group { expectOrder(of: payloads, writers: writers) }
            }
        }
    }

    private func append(to stream: EmbeddedStream, writers: Int, rounds: Int, perRound: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for round in 0..<rounds {
                        var records = NewRecords()
                        for index in 0..<perRound {
                            let number = round * perRound + index
                            let key: UInt128 = index % 2 == 0 ? 0 : .max
                            records.append(
                                partitionKey: "w",
                                hashKey: key,
                                payload: "\(writer) \(number)".utf8
                            )
                        }
                        #expect(await stream.append(records).isComplete)
                    }
                }
            }
        }
    }

    private func read(_ count: Int, from stream: EmbeddedStream, _ shard: ShardID) async throws -> [String] {
        let reader = try await stream.reader(of: shard, from: .trimHorizon)
        var payloads: [String] = []
        var last = SequenceNumber.zero
        while payloads.count < count {
            let batch = try await reader.read(maxRecords: 97, maxBytes: 4000, wait: .seconds(60)).batch
            try #require(!batch.isEmpty)
            for entry in batch.entries {
                #expect(entry.sequenceNumber > last)
                last = entry.sequenceNumber
            }
            payloads += batch.payloads
        }
        return payloads
    }

    /// Each writer's numbers ascend without a repetition; with the count that is everything.
    private func expectOrder(of payloads: [String], writers: Int) {
        var newest = [Int](repeating: -1, count: writers)
        for payload in payloads {
            let parts = payload.split(separator: " ").compactMap { Int($0) }
            #expect(parts[1] > newest[parts[0]])
            newest[parts[0]] = parts[1]
        }
    }
}
