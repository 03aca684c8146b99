import Logging
import StreamCore
import Synchronization

extension ShardLog {
    /// Syncs what a relaxed log has written since the last time.
    func sync() {
        state.withLock { $0.isSyncScheduled = false }
        syncTurn.withLock { _ in
            let (active, isFailed) = state.withLock { ($0.active, $0.syncFailure != nil) }
            guard let active else { return }
            if isFailed { return retryLater() }
            guard active.syncedEnd < active.summary.end else { return }
            do {
                let file = try environment.cache.file(for: active.segment)
                try environment.options.files.sync(file.descriptor, file.path)
                state.withLock { $0.markSynced(active.segment, to: active.summary.end) }
            } catch {
                noteSyncFailure(error, of: active.segment)
            }
        }
    }

    /// Syncs all of a segment, before records follow in another.
    ///
    /// - Throws: Also when an earlier sync has failed. The segment must stay the active one then, for `repairUnsynced` to write
    ///   anew.
    func syncWhole(_ active: ActiveSegment, in file: SegmentFile) throws {
        try syncTurn.withLock { _ in
            if let failure = state.withLock(\.syncFailure) { throw failure }
            do {
                try environment.options.files.sync(file.descriptor, file.path)
            } catch {
                if active.syncedEnd < active.summary.end { noteSyncFailure(error, of: active.segment) }
                throw error
            }
            state.withLock { $0.markSynced(active.segment, to: active.summary.end) }
        }
    }

    private func noteSyncFailure(_ error: any Error, of segment: Segment) {
        let failure =
            error as? LogFileFailure ?? LogFileFailure(action: "opening", file: segment.path, errno: 0)
        environment.logger.error(
            "segment not synced",
            metadata: ["stream": "\(stream)", "shard": "\(id)", "error": "\(error)"]
        )
        state.withLock { $0.syncFailure = failure }
        retryLater()
    }

    /// Has a committer try `repairUnsynced`, now and at each sync interval until it succeeds.
    private func retryLater() {
        let (mustCommit, mustSync) = state.withLock { state in
            let mustSync = !state.isSyncScheduled
            state.isSyncScheduled = true
            return (state.claimTurn(), mustSync)
        }
        if mustCommit { environment.committers.scheduleCommit(of: self) }
        if mustSync { environment.committers.scheduleSync(of: self) }
    }

    /// Writes and syncs anew what a failed sync has put in doubt; until that succeeds no append does.
    func repairUnsynced() throws {
        guard state.withLock({ $0.syncFailure != nil }) else { return }
        try syncTurn.withLock { _ in
            let (active, failure) = state.withLock { ($0.active, $0.syncFailure) }
            guard let failure, let active else { return }
            do {
                let file = try environment.cache.file(for: active.segment)
                try rewrite(active, in: file)
                try environment.options.files.sync(file.descriptor, file.path)
            } catch {
                throw error as? LogFileFailure ?? failure
            }
            state.withLock { state in
                state.syncFailure = nil
                state.markSynced(active.segment, to: active.summary.end)
            }
        }
    }

    /// Makes the unsynced pages dirty again: a sync that failed has marked them clean without writing them.
    func rewrite(_ active: ActiveSegment, in file: SegmentFile) throws {
        let count = active.summary.end - active.syncedEnd
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: active.syncedEnd) }
        guard read == count else { throw LogCorrupted(file: file.path, offset: active.syncedEnd + read) }
        try bytes.withUnsafeBytes {
            try environment.options.files.write(file.descriptor, [$0], active.syncedEnd, file.path)
        }
    }
}

extension ShardLog.State {
    fileprivate mutating func markSynced(_ segment: Segment, to end: Int) {
        guard let current = active, current.segment === segment else { return }
        active?.syncedEnd = max(current.syncedEnd, end)
    }
}
