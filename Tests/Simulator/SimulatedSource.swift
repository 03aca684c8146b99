import StreamCore

/// One worker's connection to the log.
struct SimulatedSource: LogSource {
    let log: any LogSource
    let worker: SimulatedWorker

    func shards() async throws -> [Shard] { try await reach { try await $0.shards() } }

    func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        try await reach { try await $0.pin(start, in: shard) }
    }

    func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        let base = try await reach { try await $0.reader(of: shard, from: position) }
        let reader = Reader(base: base, worker: worker)
        guard let watched = base as? any WatchableShardReader else { return reader }
        return WatchableReader(reader: reader, watched: watched)
    }

    private func reach<Value: Sendable>(
        _ body: @escaping @Sendable (any LogSource) async throws -> Value
    ) async throws -> Value {
        try await worker.network.call(worker.nextLogFate(), failure: Outage()) { [log] in try await body(log)
        }
    }

    private struct WatchableReader: WatchableShardReader {
        let reader: Reader
        let watched: any WatchableShardReader

        func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
            try await reader.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
        }

        func watch(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void { watched.watch(action) }
    }

    private struct Reader: ShardReader {
        let base: any ShardReader
        let worker: SimulatedWorker

        func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
            let world = worker.world
            guard !world.isCalm, world.scenario.has(.logFaults) else {
                return try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
            }
            switch world.pick(0...11) {
            case 0: throw Outage()
            case 1:
                // As Kinesis does it: nothing for now, although there is something.
                return ReadResult(batch: .empty, millisBehindLatest: 1000, isEnd: false)
            case 2:
                try await worker.clock.sleep(for: .milliseconds(world.pick(1...3000)))
                return try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
            case 3...6:
                return try await base.read(
                    maxRecords: min(maxRecords, world.pick(1...3)),
                    maxBytes: maxBytes,
                    wait: wait
                )
            default: return try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
            }
        }
    }
}
