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
            try save(changed, over: description)
            description = changed
        }
    }

    /// Records other shards and takes them over in one step: whoever sees a shard listed can read it.
    ///
    /// - Parameter logs: Those of shards that are new.
    /// - Throws: What `body` throws, or `LogFileFailure`; nothing has changed then.
    func changeShards(
        adding logs: [ShardLog] = [],
        _ body: (inout StreamDescription) throws -> Void
    ) throws {
        if let fault = state.withLock(\.fault) { throw fault }
        let watchers = try description.withLock { description in
            var changed = description
            try body(&changed)
            try save(changed, over: description)
            description = changed
            let listing = changed.listing
            return state.withLock { state in
                for log in logs { state.shards[log.id] = log }
                state.listing = listing
                state.routing = changed.routing(to: state.shards)
                // The stream may have been deleted, or the log closed, since the file was written.
                if let fault = state.fault { for log in logs { log.refuse(fault) } }
                return Array(state.watchers.values)
            }
        }
        for watcher in watchers { watcher.wake() }
    }

    private func save(_ changed: StreamDescription, over previous: StreamDescription) throws {
        do {
            try changed.save(in: directory, files: environment.options.files)
        } catch {
            // The new file may have taken the place of the old one, only not known to keep it after a power cut.
            try? previous.save(in: directory, files: environment.options.files)
            throw state.withLock(\.fault) ?? error
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
        let isExpired = { (shard: ShardDescription) in shard.closed.map { $0 < cutoff } ?? false }
        let expired = description.withLock { $0.shards.filter(isExpired) }
        guard !expired.isEmpty else { return }
        try changeShards { $0.shards.removeAll(where: isExpired) }
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
