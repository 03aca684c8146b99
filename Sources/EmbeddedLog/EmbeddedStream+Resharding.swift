package import StreamCore
import Synchronization

extension EmbeddedStream {
    /// Open shards of one stream.
    package static let openShardLimit = 10_000
    /// Open shards and closed ones that have not expired.
    package static let listedShardLimit = 100_000

    /// A reshard is under way; another waits for it.
    package var isUpdating: Bool { state.withLock(\.isReplacing) }

    /// Closes a shard and opens two: one for the hash keys below `key`, one for the others.
    ///
    /// - Returns: The children.
    /// - Throws: `ShardNotFound`, `ReshardRefusal`, `LogFileFailure`; the shard is open as before then.
    @discardableResult
    package func split(_ shard: ShardID, at key: UInt128) async throws -> [Shard] {
        try await reshard { open, plan in
            let parent = try open.piece(of: shard)
            guard parent.range.start < key, key <= parent.range.end else {
                throw ReshardRefusal.keyOutside(parent.range)
            }
            _ = plan.replace(
                [parent],
                with: [
                    HashKeyRange(start: parent.range.start, end: key - 1),
                    HashKeyRange(start: key, end: parent.range.end),
                ]
            )
        }
    }

    /// Closes two neighbours, given in either order, and opens one shard for the hash keys of both.
    ///
    /// - Returns: The child.
    /// - Throws: `ShardNotFound`, `ReshardRefusal`, `LogFileFailure`; the shards are open as before then.
    @discardableResult
    package func merge(_ shard: ShardID, with adjacent: ShardID) async throws -> Shard {
        let children = try await reshard { open, plan in
            let parents = [try open.piece(of: shard), try open.piece(of: adjacent)]
            let sorted = parents.map(\.range).sorted { $0.start < $1.start }
            guard shard != adjacent, sorted[0].end + 1 == sorted[1].start else {
                throw ReshardRefusal.notAdjacent(shard, adjacent)
            }
            _ = plan.replace(parents, with: [HashKeyRange(start: sorted[0].start, end: sorted[1].end)])
        }
        return children[0]
    }

    /// Splits and merges until the stream has `count` open shards with ranges of equal size: at most double of now, at
    /// least half.
    ///
    /// Some shards on the way are closed as soon as they are made.
    ///
    /// - Parameter count: 1–10,000.
    /// - Returns: How many were open before.
    /// - Throws: `ReshardRefusal`, `LogFileFailure`; nothing has changed then.
    @discardableResult
    package func scale(to count: Int) async throws -> Int {
        precondition((1...Self.openShardLimit).contains(count), "a stream has 1 to 10,000 open shards")
        var openCount = 0
        try await reshard { open, plan in
            openCount = open.pieces.count
            guard count <= openCount * 2 else { throw ReshardRefusal.moreThanDouble(open: openCount) }
            guard count * 2 >= openCount else { throw ReshardRefusal.lessThanHalf(open: openCount) }
            plan.spread(open.pieces, over: count)
        }
        return openCount
    }

    /// Closes shards and opens others for the same hash keys.
    ///
    /// - Parameters:
    ///   - parents: One or two open shards.
    ///   - ranges: The hash keys of the children; together those of the parents.
    /// - Returns: The children.
    /// - Throws: `ShardNotFound`, `ReshardRefusal`, `LogFileFailure`; the parents are open as before then.
    package func replace(_ parents: [ShardID], with ranges: [HashKeyRange]) async throws -> [Shard] {
        try await reshard { open, plan in
            _ = plan.replace(try parents.map { try open.piece(of: $0) }, with: ranges)
        }
    }

    // MARK: - One step

    /// The shards of a stream before a reshard.
    private struct OpenShards {
        let stream: StreamName
        let description: StreamDescription

        /// In the order of their hash keys.
        var pieces: [ReshardPlan.Piece] {
            description.shards.filter(\.isOpen).map(ReshardPlan.Piece.init)
                .sorted { $0.range.start < $1.range.start }
        }

        func piece(of shard: ShardID) throws -> ReshardPlan.Piece {
            guard let found = description.shards.first(where: { ShardID(number: $0.number) == shard }) else {
                throw ShardNotFound(stream: stream, shard: shard)
            }
            guard found.isOpen else { throw ReshardRefusal.closed(shard) }
            return ReshardPlan.Piece(found)
        }
    }

    /// Plans and carries out a reshard, one at a time, in one step that a crash does not divide.
    ///
    /// The parents take no more records, and all they took is on disk, before the stream's file says that they are closed; the
    /// children take records only after. Records that arrive meanwhile go to the children.
    ///
    /// - Returns: The shards that were made and are open.
    @discardableResult
    private func reshard(_ makePlan: (OpenShards, inout ReshardPlan) throws -> Void) async throws -> [Shard] {
        await beginReplacement()
        defer { finishReplacement() }
        if let fault = state.withLock(\.fault) { throw fault }
        let before = description.withLock(\.self)
        var plan = ReshardPlan(firstNumber: before.nextShardNumber, time: time(after: before))
        try makePlan(OpenShards(stream: name, description: before), &plan)
        guard !plan.made.isEmpty else { return [] }
        try checkLimits(plan, before)

        let parents = plan.parents.compactMap { number in
            state.withLock { $0.shards[ShardID(number: number)] }
        }
        do {
            for parent in parents { try parent.beginClosing() }
            var ends: [Int: SequenceNumber] = [:]
            for parent in parents { ends[parent.number] = try await parent.closed() }
            try record(plan, parents: parents, ends: ends)
        } catch {
            for parent in parents { parent.reopen() }
            throw error
        }
        for parent in parents { parent.announceEnd() }
        let made = Set(plan.made.filter(\.isOpen).map { ShardID(number: $0.number) })
        return state.withLock { $0.listing.filter { made.contains($0.id) } }
    }

    /// The wall clock, which may have been set back: children never close before their parents.
    private func time(after description: StreamDescription) -> Timestamp {
        let newest = description.shards.lazy.compactMap(\.closed).max()
        return max(environment.options.wallClock(), newest ?? Timestamp(milliseconds: 0))
    }

    private func checkLimits(_ plan: ReshardPlan, _ before: StreamDescription) throws {
        let listed = before.shards.count + plan.made.count
        guard listed <= Self.listedShardLimit else { throw ReshardRefusal.tooManyListed(listed) }
        guard before.nextShardNumber + plan.made.count <= ShardNumbers.shardLimit else {
            throw ReshardRefusal.numbersExhausted
        }
    }

    private func record(_ plan: ReshardPlan, parents: [ShardLog], ends: [Int: SequenceNumber]) throws {
        let logs = plan.made.map { shard in
            var state = ShardLog.State()
            if !shard.isOpen { state.admission = .ended }
            return ShardLog(
                stream: name,
                numbers: shard.numbers,
                directory: "\(directory)/\(ShardID(number: shard.number))",
                environment: environment,
                state: state
            )
        }
        // No record of a closed shard is younger than its end, which it is forgotten by.
        let newestArrival = parents.map { $0.state.withLock(\.newestArrival) }.max() ?? 0
        try changeShards(adding: logs) { description in
            let closed = max(time(after: description), Timestamp(milliseconds: newestArrival))
            for index in description.shards.indices {
                guard let end = ends[description.shards[index].number] else { continue }
                description.shards[index].endingSequenceNumber = end
                description.shards[index].closed = closed
            }
            description.nextShardNumber += plan.made.count
            description.shards += plan.made
        }
    }

    // MARK: - Taking turns

    private func beginReplacement() async {
        while true {
            let isMine = state.withLock { state in
                guard !state.isReplacing else { return false }
                state.isReplacing = true
                return true
            }
            if isMine { return }
            await replacementFinished()
        }
    }

    private func finishReplacement() {
        let waiters = state.withLock { state in
            defer { state.replacementWaiters = [] }
            state.isReplacing = false
            return state.replacementWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until no shard is being replaced.
    func replacementFinished() async {
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if state.isReplacing { state.replacementWaiters.append(continuation) }
                return !state.isReplacing
            }
            if isFinished { continuation.resume() }
        }
    }
}

// MARK: - Learning of it

extension EmbeddedStream {
    /// Runs `body`, and wakes `signal` meanwhile whenever shards were split, merged or forgotten.
    package func wakingOnShardChange<Value>(
        _ signal: WakeSignal,
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = signal
            return state.nextWatcher
        }
        defer { state.withLock { _ = $0.watchers.removeValue(forKey: id) } }
        return try await body()
    }
}
