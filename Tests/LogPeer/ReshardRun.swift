import EmbeddedLog
import Logging
import StreamCore

/// Reshards a stream in every way while producers append.
struct ReshardRun {
    private let log: EmbeddedLog
    private let stream: EmbeddedStream

    init(directory: String, durability: Durability, step: Int, logger: Logger) throws {
        var options = LogOptions()
        options.durability = durability
        options.files = FatalStep(step).operations
        log = try EmbeddedLog.open(directory: directory, options: options, logger: logger)
        stream = try log.createStream("flights", shardCount: 2)
    }

    func run() async throws {
        try await during(phase: 0, opening: 3) { try await stream.split(ShardID(number: 0), at: 1 << 126) }
        try await during(phase: 1, opening: 2) {
            try await stream.merge(ShardID(number: 1), with: ShardID(number: 3))
        }
        try await during(phase: 2, opening: 3) { try await stream.scale(to: 3) }
        try await during(phase: 3, opening: 2) { try await stream.scale(to: 2) }
        log.close()
        say("done")
    }

    private func during<Outcome>(
        phase: Int,
        opening count: Int,
        _ reshard: () async throws -> Outcome
    ) async throws {
        async let first: Void = produce(1, phase: phase)
        async let second: Void = produce(2, phase: phase)
        say("begin \(count)")
        _ = try await reshard()
        say("end \(count)")
        _ = await (first, second)
    }

    /// One key of each quarter of the hash keys, in turn; a record says its key and its number among those of the key.
    private func produce(_ producer: Int, phase: Int) async {
        for number in [phase * 2, phase * 2 + 1] {
            var records = NewRecords()
            for quarter in 0..<4 {
                let key = "\(producer)-\(quarter)"
                records.append(
                    partitionKey: key,
                    hashKey: UInt128(quarter) << 126,
                    payload: "\(key) \(number)".utf8
                )
            }
            let result = await stream.append(records)
            for (quarter, entry) in result.entries.enumerated() where result.failure(at: quarter) == nil {
                say("put \(producer)-\(quarter) \(number) \(entry.shard) \(entry.sequenceNumber)")
            }
        }
    }
}
