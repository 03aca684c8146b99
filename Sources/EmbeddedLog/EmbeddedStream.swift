package import StreamCore
import Synchronization

/// One stream of the embedded log.
///
/// After the stream was deleted every call says so.
package final class EmbeddedStream: LogSource {
    package let name: StreamName
    package let created: Timestamp
    /// Another number for each stream, also when one of the same name was deleted before.
    package let incarnation: UInt64
    /// Requested when the stream has been deleted.
    package let deletion = DrainSignal()

    let directory: String
    let environment: LogEnvironment
    /// Also held while the file is written, so that changes are recorded one after the other.
    let description: Mutex<StreamDescription>
    let state: Mutex<State>

    struct State: Sendable {
        var routing: RoutingTable
        var shards: [ShardID: ShardLog]
        /// In the order of their numbers, parents before children.
        var listing: [Shard]
        /// Woken when the shards change.
        var watchers: [Int: WakeSignal] = [:]
        var nextWatcher = 0
        var isReplacing = false
        var replacementWaiters: [CheckedContinuation<Void, Never>] = []
        var fault: (any Error)?
    }

    init(description: StreamDescription, directory: String, shards: [ShardLog], environment: LogEnvironment) {
        name = description.name
        created = description.created
        incarnation = description.incarnation.value
        self.directory = directory
        self.environment = environment
        let byID = Dictionary(uniqueKeysWithValues: shards.map { ($0.id, $0) })
        state = Mutex(
            State(routing: description.routing(to: byID), shards: byID, listing: description.listing)
        )
        self.description = Mutex(description)
    }

    // MARK: - Appending

    /// Stores records, each in the open shard that its hash key belongs to.
    ///
    /// Returns when each is stored as the log's durability says, or has failed; records of one shard succeed or fail
    /// together, and one shard's failure leaves the others alone. Cancelling the task has no effect. Records of one call that go to one
    /// shard keep their order.
    package func append(_ records: NewRecords) async -> AppendResult {
        let ticket = AppendTicket()
        let noEntry = AppendResult.Entry(shard: 0, sequenceNumber: .zero)
        var entries = [AppendResult.Entry](repeating: noEntry, count: records.count)
        var refused: [Int: any Error] = [:]
        var remaining = Array(0..<UInt32(records.count))
        while true {
            remaining = enqueue(records, remaining, ticket: ticket, into: &entries, refused: &refused)
            if remaining.isEmpty { break }
            // Their shard is being replaced; its children will take them.
            await replacementFinished()
        }
        let failures = await ticket.wait()
        return AppendResult(entries: entries, failures: failures.merging(refused) { first, _ in first })
    }

    /// - Returns: The records whose shard is closed.
    private func enqueue(
        _ records: NewRecords,
        _ indices: [UInt32],
        ticket: AppendTicket,
        into entries: inout [AppendResult.Entry],
        refused: inout [Int: any Error]
    ) -> [UInt32] {
        let routing = state.withLock(\.routing)
        let groups = routing.groups(of: records, indices)
        let now = environment.now
        var homeless: [UInt32] = []
        for (place, shard) in routing.shards.enumerated()
        where groups.bounds[place] < groups.bounds[place + 1] {
            let group = groups.order[groups.bounds[place]..<groups.bounds[place + 1]]
            var counter: UInt64 = 0
            switch shard.enqueue(records, group, now: now, ticket: ticket) {
            case .accepted(let firstCounter): counter = firstCounter
            case .refused(let error): refused[shard.number] = error
            case .closed:
                homeless += group
                continue
            }
            for index in group {
                entries[Int(index)] = AppendResult.Entry(
                    shard: shard.number,
                    sequenceNumber: shard.numbers.number(counter)
                )
                counter += 1
            }
        }
        return homeless
    }

    // MARK: - Reading

    package func shards() async throws -> [Shard] { try listShards() }

    /// Every shard that still has records or takes new ones, parents before children.
    ///
    /// - Throws: `StreamNotFound` when the stream was deleted.
    package func listShards() throws -> [Shard] {
        let (fault, listing) = state.withLock { ($0.fault, $0.listing) }
        if let fault { throw fault }
        return listing
    }

    package func pin(_ start: StartingPosition, in shard: ShardID) async throws -> Checkpoint {
        let shard = try log(of: shard)
        return start == .latest ? .at(shard.newestNumber) : .start(start)
    }

    package func reader(of shard: ShardID, from position: Position) async throws -> any ShardReader {
        let shard = try log(of: shard)
        return EmbeddedShardReader(shard: shard, cursor: shard.cursor(at: position))
    }

    /// The cursor that stands for a position now.
    ///
    /// Cheap: no file is touched.
    ///
    /// - Throws: `ShardNotFound`, or `StreamNotFound` when the stream was deleted.
    package func cursor(in shard: ShardID, at position: Position) throws -> ReadCursor {
        try log(of: shard).cursor(at: position)
    }

    /// The records from the cursor on, without waiting.
    ///
    /// Blocks while the disk is read.
    ///
    /// - Parameters:
    ///   - maxRecords: At most this many, at least 1, never more than 100,000.
    ///   - maxBytes: Keys and payloads together, never more than 16 MiB; a first record is always returned.
    /// - Throws: `ShardNotFound`, `StreamNotFound`, `LogCorrupted` or `LogFileFailure`. Reading again is safe.
    package func read(
        _ shard: ShardID,
        from cursor: ReadCursor,
        maxRecords: Int,
        maxBytes: Int
    ) throws -> CursorRead {
        try log(of: shard).read(cursor, limits: RecordRun.Limits(maxRecords: maxRecords, maxBytes: maxBytes))
    }

    func log(of shard: ShardID) throws -> ShardLog {
        let (fault, log) = state.withLock { ($0.fault, $0.shards[shard]) }
        if let fault { throw fault }
        guard let log else { throw ShardNotFound(stream: name, shard: shard) }
        return log
    }

    var allShards: [ShardLog] { state.withLock { Array($0.shards.values) } }

    /// From now on nothing is read or stored; whoever waits learns why.
    func refuse(_ error: any Error) {
        let shards = state.withLock { state in
            state.fault = error
            return state.shards.values
        }
        for shard in shards { shard.refuse(error) }
    }
}

extension EmbeddedStream {
    /// Appends that wait for a committer to take them, in all shards.
    package var pendingAppends: Int { allShards.reduce(0) { total, shard in total + shard.pendingAppends } }
}
