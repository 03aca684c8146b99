package import StreamCore
import Synchronization

extension EmbeddedStream {
    package var retention: Retention {
        description.withLock(\.retentionHours).map(Retention.hours) ?? .unlimited
    }

    package var tags: [String: String] { description.withLock(\.tags) }

    package var mode: StreamMode { description.withLock(\.mode) ?? .provisioned }

    /// How long records are kept from now on.
    ///
    /// - Throws: `LogFileFailure`; nothing has changed then.
    package func setRetention(_ retention: Retention) throws {
        try change { $0.retentionHours = retention.hours }
    }

    /// Changes the tags in one step: of two changes at a time the later one sees what the earlier one did.
    ///
    /// - Throws: What `body` throws, or `LogFileFailure`; nothing has changed then.
    package func changeTags(_ body: (inout [String: String]) throws -> Void) throws {
        try change { try body(&$0.tags) }
    }

    /// Records a changed description, then takes it over.
    func change(_ body: (inout StreamDescription) throws -> Void) throws {
        if let fault = state.withLock(\.fault) { throw fault }
        try description.withLock { description in
            var changed = description
            try body(&changed)
            guard changed != description else { return }
            try changed.save(in: directory)
            description = changed
        }
    }

    // MARK: - Replacing shards

    /// Closes shards and opens others for the same hash keys, in one step that a crash does not divide: what
    /// a split and a merge have in common.
    ///
    /// Records that arrive meanwhile go to the children.
    ///
    /// - Parameters:
    ///   - parents: One or two open shards.
    ///   - ranges: The hash keys of the children; together those of the parents.
    /// - Returns: The children.
    /// - Throws: `ShardNotFound` when a parent is not open, `LogFileFailure`; the parents are open then.
    package func replace(_ parents: [ShardID], with ranges: [HashKeyRange]) async throws -> [Shard] {
        precondition((1...2).contains(parents.count), "a shard has one or two parents")
        await beginReplacement()
        defer { finishReplacement() }
        let logs = try parents.map { try openLog(of: $0) }
        var ends: [Int: SequenceNumber] = [:]
        for log in logs { ends[log.number] = await log.close() }
        do {
            let children = try record(parents: logs, ends: ends, ranges: ranges)
            for log in logs { log.announceEnd() }
            return children
        } catch {
            for log in logs { log.reopen() }
            throw error
        }
    }

    private func openLog(of shard: ShardID) throws -> ShardLog {
        let log = try log(of: shard)
        guard state.withLock({ $0.routing.shards.contains { $0 === log } }) else {
            throw ShardNotFound(stream: name, shard: shard)
        }
        return log
    }

    private func record(
        parents: [ShardLog],
        ends: [Int: SequenceNumber],
        ranges: [HashKeyRange]
    ) throws -> [Shard] {
        let now = environment.options.wallClock()
        let newest = parents.map(\.numbers.createdSeconds).max() ?? 0
        let createdSeconds = max(UInt32(clamping: now.milliseconds / 1000), newest + 1)
        var children: [ShardDescription] = []
        try change { description in
            for index in description.shards.indices {
                guard let end = ends[description.shards[index].number] else { continue }
                description.shards[index].endingSequenceNumber = end
                description.shards[index].closed = now
            }
            children = ranges.enumerated().map { offset, range in
                ShardDescription(
                    number: description.nextShardNumber + offset,
                    createdSeconds: createdSeconds,
                    range: range,
                    parent: parents.first?.number,
                    adjacentParent: parents.count > 1 ? parents.last?.number : nil
                )
            }
            description.nextShardNumber += children.count
            description.shards += children
        }
        try adopt(children)
        let known = Set(description.withLock { $0.shards.map(\.number) })
        return try children.map { try $0.shard(amongNumbers: known) }
    }

    /// Begins to send records to new shards.
    private func adopt(_ children: [ShardDescription]) throws {
        let logs = children.map { child in
            ShardLog(
                stream: name,
                numbers: child.numbers,
                directory: "\(directory)/\(ShardID(number: child.number))",
                environment: environment,
                state: ShardLog.State()
            )
        }
        let current = description.withLock(\.self)
        try state.withLock { state in
            for log in logs { state.shards[log.id] = log }
            state.routing = try current.routing(to: state.shards)
        }
    }

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

    // MARK: - Retention

    /// Removes what is wholly older than the retention period: segments, and closed shards with all their records.
    ///
    /// - Throws: The first error, after every shard has been looked at.
    package func enforceRetention(now: Timestamp) async throws {
        guard let kept = retention.milliseconds else { return }
        let cutoff = now.milliseconds - kept
        var firstError: (any Error)?
        for shard in allShards {
            do {
                try await shard.dropSegments(before: cutoff)
            } catch {
                firstError = firstError ?? error
            }
        }
        try forgetShards(closedBefore: Timestamp(milliseconds: cutoff))
        if let firstError { throw firstError }
    }

    private func forgetShards(closedBefore cutoff: Timestamp) throws {
        var expired: [ShardDescription] = []
        try change { description in
            expired = description.shards.filter { $0.closed.map { $0 < cutoff } ?? false }
            description.shards.removeAll { expired.contains($0) }
        }
        var firstError: (any Error)?
        for shard in expired {
            let id = ShardID(number: shard.number)
            let log = state.withLock { $0.shards.removeValue(forKey: id) }
            log?.refuse(ShardNotFound(stream: name, shard: id))
            do {
                try removeDirectory("\(directory)/\(id)")
            } catch {
                // Tried again at the next opening.
                firstError = firstError ?? error
            }
        }
        if let firstError { throw firstError }
    }
}
