import Logging
import StreamCore
import Synchronization

extension ShardLog {
    /// One turn of a committer: stores what is pending, then answers the appends.
    ///
    /// Only the committer that has the turn changes the segments, so it may read and write files without the lock.
    func commit() {
        let (group, isRollRequested, mustSeal) = state.withLock { state in
            defer { state.isRollRequested = false }
            let group = state.takeGroup()
            return (group, state.isRollRequested, state.isSealRequested && state.pending.isEmpty)
        }
        var failure: (any Error)?
        do {
            try repairUnsynced()
            if isRollRequested { try rollIfFilled() }
            if !group.isEmpty { try store(group) }
            if mustSeal { try seal() }
        } catch {
            failure = error
            environment.logger.error(
                "records not stored",
                metadata: ["stream": "\(stream)", "shard": "\(id)", "error": "\(error)"]
            )
        }
        for append in group { append.ticket.finish(shard: number, failure: failure) }
        if mustSeal { state.withLock { $0.noteSealed(failure: failure) } }
        endTurn()
    }

    private func endTurn() {
        let (isMore, settled) = state.withLock { state in
            let isMore = !state.pending.isEmpty || state.isRollRequested || state.isSealRequested
            state.isCommitScheduled = isMore
            guard !isMore else { return (true, [CheckedContinuation<Void, Never>]()) }
            defer { state.turnWaiters = [] }
            return (false, state.turnWaiters)
        }
        // Behind the other shards in the queue, so that a busy shard does not keep them waiting.
        if isMore { environment.committers.scheduleCommit(of: self) }
        for waiter in settled { waiter.resume() }
    }

    /// Fails what is pending: called in place of `commit` when the committers have ended, as the log is closed.
    func abandon() {
        let (abandoned, failure) = state.withLock { state in
            defer { state.pending = [] }
            state.isRollRequested = false
            let failure = state.fault ?? LogClosed(directory: directory)
            state.noteSealed(failure: failure)
            return (state.pending, failure)
        }
        for append in abandoned { append.ticket.finish(shard: number, failure: failure) }
        endTurn()
    }

    private func store(_ group: [PendingAppend]) throws {
        let byteCount = group.reduce(0) { $0 + $1.records.buffer.count }
        let active = try segment(for: group, byteCount: byteCount)
        let file = try environment.cache.file(for: active.segment)
        if active.hasStrayBytes { try file.truncate(to: active.summary.end) }
        for append in group {
            append.records.move(toSegmentWith: active.salt, durableEnd: active.syncedEnd)
        }
        group.first?.records.restamp(durableEnd: active.syncedEnd)
        do {
            try environment.options.files.write(
                file.descriptor,
                group.map { UnsafeRawBufferPointer($0.records.buffer) },
                active.summary.end,
                file.path
            )
            if environment.isDurable { try environment.options.files.sync(file.descriptor, file.path) }
        } catch {
            // After a failed sync the kernel may have dropped the pages, so a later sync proves nothing about them: the records
            // are cut off and their producers told.
            let isCut = (try? file.truncate(to: active.summary.end)) != nil
            state.withLock { $0.active?.hasStrayBytes = !isCut }
            throw error
        }
        publish(group)
    }

    private func publish(_ group: [PendingAppend]) {
        let (woken, mustSync) = state.withLock { state in
            state.active?.add(group, isSynced: environment.isDurable)
            if let last = group.last?.records {
                state.visibleCounter = last.lastCounter
                state.visibleArrival = last.arrival
            }
            state.isJumpUnproven = false
            let mustSync = !environment.isDurable && !state.isSyncScheduled
            if mustSync { state.isSyncScheduled = true }
            return (state.watchers.take(upTo: state.visibleCounter), mustSync)
        }
        if mustSync { environment.committers.scheduleSync(of: self) }
        for action in woken { action() }
    }

    // MARK: - Segments

    /// The segment that takes the group: the active one, or a new one when there is none or it is full or old.
    private func segment(for group: [PendingAppend], byteCount: Int) throws -> ActiveSegment {
        guard let first = group.first?.records else { preconditionFailure("a group has an append") }
        guard let active = state.withLock(\.active) else {
            return try begin(after: nil, baseCounter: first.firstCounter, arrival: first.arrival)
        }
        let age = Duration.milliseconds(first.arrival - active.createdMilliseconds)
        let isFull = active.summary.end + byteCount > environment.options.segmentBytes
        guard active.summary.recordCount > 0, isFull || age >= environment.options.segmentAge else {
            return active
        }
        return try begin(after: active, baseCounter: first.firstCounter, arrival: first.arrival)
    }

    private func rollIfFilled() throws {
        let (active, next, arrival) = state.withLock { ($0.active, $0.visibleCounter + 1, $0.newestArrival) }
        guard let active, active.summary.recordCount > 0 else { return }
        _ = try begin(after: active, baseCounter: next, arrival: max(arrival, environment.now))
    }

    /// Brings the active segment to the disk with its summary: no record follows.
    private func seal() throws {
        guard let active = state.withLock(\.active), !active.isSummaryStored else { return }
        let isSummaryStored = try complete(active)
        state.withLock { state in
            state.active?.hasStrayBytes = false
            state.active?.isSummaryStored = isSummaryStored
        }
    }

    /// Makes a new active segment and completes the one before.
    private func begin(after previous: ActiveSegment?, baseCounter: UInt64, arrival: Int64) throws
        -> ActiveSegment
    {
        if let previous { _ = try complete(previous) }
        if try SystemFiles.makeDirectory(directory) {
            try SystemFiles.syncDirectory(SystemFiles.parent(of: directory))
        }
        let segment = Segment(directory: directory, baseCounter: baseCounter, numbers: numbers.prefix)
        let file = try SegmentFile.create(
            segment,
            createdMilliseconds: arrival,
            files: environment.options.files
        )
        do {
            try SystemFiles.syncDirectory(directory)
        } catch {
            try? SystemFiles.remove(segment.path)
            throw error
        }
        environment.cache.insert(file)
        let active = ActiveSegment(
            segment: segment,
            createdMilliseconds: arrival,
            salt: file.header.salt,
            summary: SegmentSummary(emptyAfter: file.header),
            syncedEnd: SegmentHeader.byteCount
        )
        state.withLock { state in
            state.segments.append(segment)
            state.active = active
            state.newestArrival = max(state.newestArrival, arrival)
        }
        return active
    }

    /// Sees to it that a segment is wholly on disk before records follow in another.
    ///
    /// - Returns: Whether its summary is kept beside it.
    private func complete(_ active: ActiveSegment) throws -> Bool {
        let file = try environment.cache.file(for: active.segment)
        if active.hasStrayBytes { try file.truncate(to: active.summary.end) }
        if active.syncedEnd < active.summary.end || active.hasStrayBytes {
            try syncWhole(active, in: file)
        }
        // Without it the next reader scans the segment.
        return (try? file.store(active.summary)) != nil
    }
}

extension ShardLog.State {
    fileprivate mutating func noteSealed(failure: (any Error)?) {
        isSealRequested = false
        sealFailure = failure
    }

    /// The appends that the next write takes.
    fileprivate mutating func takeGroup() -> [ShardLog.PendingAppend] {
        var count = 0
        var byteCount = 0
        while count < pending.count, count < SystemFiles.maximumBuffers {
            byteCount += pending[count].records.buffer.count
            if count > 0, byteCount > LogOptions.groupBytes { break }
            count += 1
        }
        defer { pending.removeFirst(count) }
        return Array(pending.prefix(count))
    }
}

extension ShardLog.ActiveSegment {
    /// Counts the group's records as part of the segment.
    fileprivate mutating func add(_ group: [ShardLog.PendingAppend], isSynced: Bool) {
        for append in group {
            let records = append.records
            for entry in records.index.entries {
                summary.index.add(
                    SparseIndex.Entry(
                        counter: entry.counter,
                        arrival: entry.arrival,
                        offset: summary.end + entry.offset
                    )
                )
            }
            summary.end += records.buffer.count
            summary.lastCounter = records.lastCounter
            summary.lastArrival = records.arrival
            summary.recordCount += records.recordCount
        }
        hasStrayBytes = false
        isSummaryStored = false
        if isSynced { syncedEnd = summary.end }
    }
}
