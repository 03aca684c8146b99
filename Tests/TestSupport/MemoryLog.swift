package import StreamCore
import Synchronization

/// A stream in memory: records are appended by hand, shards can be split, merged and expired, reads can fail.
///
/// It passes the contract of log sources.
package final class MemoryLog: LogSource {
    private struct StoredRecord {
        let number: SequenceNumber
        let arrival: Timestamp
        let key: [UInt8]
        let payload: [UInt8]
    }

    private struct StoredShard {
        var shard: Shard
        var records: [StoredRecord] = []
        /// Rung for each append and for the end.
        var readers: [WakeSignal] = []
        /// Called once for the next of these.
        var watchers: [(id: Int, action: @Sendable () -> Void)] = []

        /// Who is to hear that something has happened.
        mutating func takeListeners() -> [@Sendable () -> Void] {
            defer { watchers = [] }
            return readers.map { reader in { @Sendable in reader.wake() } } + watchers.map(\.action)
        }
    }

    private struct State {
        var exists: Bool
        /// In the order in which they were made, so parents before children.
        var shards: [StoredShard] = []
        var nextNumber: UInt64 = 1
        var nextShard = 0
        var nextWatcher = 0
        var readError: (any Error)?
    }

    package let name: StreamName
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    private let isWatchable: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - exists: `false` for a stream that is made later by `create`.
    ///   - isWatchable: Its readers tell when there is something to read.
    package init(
        _ name: StreamName = "flights",
        shardCount: Int = 1,
        clock: any Clock<Duration>,
        exists: Bool = true,
        isWatchable: Bool = false
    ) {
        self.name = name
        self.clock = clock
        stopwatch = Stopwatch(clock: clock)
        self.isWatchable = isWatchable
        state = Mutex(State(exists: exists))
        for range in HashKeyRange.even(count: shardCount) { addShard(range) }
    }

    private func addShard(_ range: HashKeyRange, parents: [ShardID] = []) {
        state.withLock { state in
            let shard = Shard(
                id: ShardID(number: state.nextShard),
                hashKeyRange: range,
                parent: parents.first,
                adjacentParent: parents.dropFirst().first,
                startingSequenceNumber: SequenceNumber(integerLiteral: state.nextNumber)
            )
            state.nextShard += 1
            state.nextNumber += 1
            state.shards.append(StoredShard(shard: shard))
        }
    }

    /// Every shard, whether the stream exists yet or not.
    package var currentShards: [Shard] { state.withLock { $0.shards.map(\.shard) } }

    package func shards() async throws -> [Shard] {
        try state.withLock { state in
            guard state.exists else { throw StreamNotFound(stream: name) }
            return state.shards.map(\.shard)
        }
    }

    package func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        guard start == .latest else { return .start(start) }
        return try state.withLock { state in
            let stored = state.shards[try index(of: shard, in: state)]
            return .at(stored.records.last?.number ?? stored.shard.startingSequenceNumber)
        }
    }

    package func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        let wake = WakeSignal()
        let start = try state.withLock { state in
            let index = try index(of: shard, in: state)
            state.shards[index].readers.append(wake)
            return nextNumber(at: position, of: state.shards[index].records)
        }
        let reader = MemoryShardReader(log: self, shard: shard, next: start, wake: wake, clock: clock)
        return isWatchable ? WatchableMemoryReader(base: reader) : reader
    }

    fileprivate func watch(
        _ shard: ShardID,
        from next: SequenceNumber,
        _ action: @escaping @Sendable () -> Void
    ) -> @Sendable () -> Void {
        let id = state.withLock { state -> Int? in
            guard let index = try? index(of: shard, in: state) else { return nil }
            let stored = state.shards[index]
            let hasRecords = stored.records.last.map { $0.number >= next } ?? false
            guard stored.shard.isOpen, !hasRecords, state.readError == nil else { return nil }
            state.nextWatcher += 1
            state.shards[index].watchers.append((state.nextWatcher, action))
            return state.nextWatcher
        }
        guard let id else {
            action()
            return {}
        }
        return { [weak self] in self?.forget(id, of: shard) }
    }

    private func forget(_ watcher: Int, of shard: ShardID) {
        state.withLock { state in
            guard let index = state.shards.firstIndex(where: { $0.shard.id == shard }) else { return }
            state.shards[index].watchers.removeAll { $0.id == watcher }
        }
    }

    /// The number from which reading goes on; that of a record or larger than the record's before it.
    private func nextNumber(at position: Position, of records: [StoredRecord]) -> SequenceNumber {
        let afterLast = records.last?.number.successor ?? .zero
        return switch position {
        case .trimHorizon: .zero
        case .latest: afterLast
        case .atTimestamp(let time): records.first { $0.arrival >= time }?.number ?? afterLast
        case .atSequenceNumber(let number): number
        case .afterSequenceNumber(let number): number.successor
        }
    }

    fileprivate func read(
        _ shard: ShardID,
        from next: SequenceNumber,
        maxRecords: Int,
        maxBytes: Int
    ) throws -> ReadResult {
        try state.withLock { state in
            if let error = state.readError { throw error }
            let stored = state.shards[try index(of: shard, in: state)]
            let following = stored.records.drop { $0.number < next }
            let batch = makeBatch(of: following.prefix(maxRecords), maxBytes: maxBytes)
            let isLast = batch.count == following.count
            let age = stored.records.last?.arrival.millisecondsSince(
                batch.last?.arrival ?? .init(milliseconds: 0)
            )
            return ReadResult(
                batch: batch,
                millisBehindLatest: isLast ? 0 : max(1, age ?? 0),
                isEnd: isLast && !stored.shard.isOpen
            )
        }
    }

    private func makeBatch(of records: ArraySlice<StoredRecord>, maxBytes: Int) -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        for record in records {
            let offset = bytes.count
            guard offset == 0 || offset + record.key.count + record.payload.count <= maxBytes else { break }
            bytes += record.key + record.payload
            entries.append(
                RecordEntry(
                    sequenceNumber: record.number,
                    arrival: record.arrival,
                    offset: UInt32(offset),
                    keyBytes: UInt16(record.key.count),
                    payloadBytes: UInt32(record.payload.count)
                )
            )
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    private func index(of shard: ShardID, in state: borrowing State) throws -> Int {
        guard state.exists else { throw StreamNotFound(stream: name) }
        guard let index = state.shards.firstIndex(where: { $0.shard.id == shard }) else {
            throw ShardNotFound(stream: name, shard: shard)
        }
        return index
    }
}

// What happens to a stream, for tests.
extension MemoryLog {
    /// Makes the stream exist.
    package func create() {
        state.withLock { $0.exists = true }
    }

    /// Removes the stream; `create` makes it anew, with the same shards and without records.
    package func delete() {
        let listeners = state.withLock { state in
            state.exists = false
            return state.shards.indices.flatMap { index in
                state.shards[index].records = []
                return state.shards[index].takeListeners()
            }
        }
        for tell in listeners { tell() }
    }

    /// Makes every read throw this error; `nil` ends that.
    package func failReads(with error: (any Error)?) {
        state.withLock { $0.readError = error }
    }

    /// The wall clock of the log, which moves with its clock.
    package var now: Timestamp {
        Timestamp(milliseconds: 1_700_000_000_000 + Int64(stopwatch.elapsed / .milliseconds(1)))
    }

    @discardableResult
    package func append(key: String, payload: [UInt8] = [1], to shard: ShardID) throws -> SequenceNumber {
        let arrival = now
        let (number, listeners) = try state.withLock { state in
            let index = try index(of: shard, in: state)
            precondition(state.shards[index].shard.isOpen, "records go to open shards")
            let number = SequenceNumber(integerLiteral: state.nextNumber)
            state.nextNumber += 1
            let record = StoredRecord(
                number: number,
                arrival: arrival,
                key: Array(key.utf8),
                payload: payload
            )
            state.shards[index].records.append(record)
            return (number, state.shards[index].takeListeners())
        }
        for tell in listeners { tell() }
        return number
    }

    /// Closes a shard and opens two children, each with half of its keys.
    ///
    /// - Returns: The children.
    @discardableResult
    package func split(_ shard: ShardID) throws -> [ShardID] {
        let range = try close(shard)
        let middle = range.start + (range.end - range.start) / 2
        addShard(HashKeyRange(start: range.start, end: middle), parents: [shard])
        addShard(HashKeyRange(start: middle + 1, end: range.end), parents: [shard])
        return state.withLock { $0.shards.suffix(2).map(\.shard.id) }
    }

    /// Closes two neighbours and opens one child with the keys of both.
    ///
    /// - Returns: The child.
    package func merge(_ left: ShardID, _ right: ShardID) throws -> ShardID {
        let (first, second) = (try close(left), try close(right))
        addShard(HashKeyRange(start: first.start, end: second.end), parents: [left, right])
        return state.withLock { $0.shards.suffix(1).map(\.shard.id) }[0]
    }

    /// Drops a shard with all of its records, as retention does.
    package func expire(_ shard: ShardID) {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            guard let index = state.shards.firstIndex(where: { $0.shard.id == shard }) else { return [] }
            defer { state.shards.remove(at: index) }
            return state.shards[index].takeListeners()
        }
        for tell in listeners { tell() }
    }

    @discardableResult
    package func close(_ shard: ShardID) throws -> HashKeyRange {
        let (range, listeners) = try state.withLock { state in
            let index = try index(of: shard, in: state)
            let open = state.shards[index].shard
            let lastNumber = SequenceNumber(integerLiteral: state.nextNumber)
            state.nextNumber += 1
            state.shards[index].shard = Shard(
                id: open.id,
                hashKeyRange: open.hashKeyRange,
                parent: open.parent,
                adjacentParent: open.adjacentParent,
                startingSequenceNumber: open.startingSequenceNumber,
                endingSequenceNumber: lastNumber
            )
            return (open.hashKeyRange, state.shards[index].takeListeners())
        }
        for tell in listeners { tell() }
        return range
    }
}

/// Reads one shard of a `MemoryLog`.
private final class MemoryShardReader: ShardReader {
    private let log: MemoryLog
    private let shard: ShardID
    private let next: Mutex<SequenceNumber>
    private let wake: WakeSignal
    private let clock: any Clock<Duration>

    init(log: MemoryLog, shard: ShardID, next: SequenceNumber, wake: WakeSignal, clock: any Clock<Duration>) {
        self.log = log
        self.shard = shard
        self.next = Mutex(next)
        self.wake = wake
        self.clock = clock
    }

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        let stopwatch = Stopwatch(clock: clock)
        while true {
            try Task.checkCancellation()
            let start = next.withLock(\.self)
            let result = try log.read(shard, from: start, maxRecords: maxRecords, maxBytes: maxBytes)
            let left = wait - stopwatch.elapsed
            guard result.batch.isEmpty, !result.isEnd, left > .zero else {
                if let last = result.batch.last { next.withLock { $0 = last.sequenceNumber.successor } }
                return result
            }
            await wake.wait(upTo: left, on: clock)
        }
    }

    func watch(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void {
        log.watch(shard, from: next.withLock(\.self), action)
    }
}

/// Reads a shard, and tells when there is something to read.
private struct WatchableMemoryReader: WatchableShardReader {
    let base: MemoryShardReader

    func read(maxRecords: Int, maxBytes: Int, wait: Duration) async throws -> ReadResult {
        try await base.read(maxRecords: maxRecords, maxBytes: maxBytes, wait: wait)
    }

    func watch(_ action: @escaping @Sendable () -> Void) -> @Sendable () -> Void { base.watch(action) }
}
