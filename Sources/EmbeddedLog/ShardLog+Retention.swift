import Synchronization

extension ShardLog {
    /// Removes the complete segments whose records all arrived before `cutoff`, oldest first.
    ///
    /// Readers that are in the middle of one keep it until their read is done.
    /// - Returns: How many were removed.
    @discardableResult
    func dropSegments(before cutoff: Int64) async throws -> Int {
        let mustRoll = state.withLock { state in
            guard state.fault == nil, state.admission == .open, let active = state.active else {
                return false
            }
            return active.summary.recordCount > 0 && active.summary.lastArrival < cutoff
        }
        // A new, empty segment takes its place, and keeps the next number.
        if mustRoll { await roll() }

        var dropped = 0
        while let oldest = expirable(), try oldest.newestArrival(environment.cache) < cutoff {
            try drop(oldest)
            dropped += 1
        }
        return dropped
    }

    private func expirable() -> Segment? {
        state.withLock { state in
            guard state.fault == nil, state.segments.count > 1 else { return nil }
            return state.segments[0]
        }
    }

    private func drop(_ segment: Segment) throws {
        state.withLock { state in
            guard state.segments.first === segment else { return }
            state.segments.removeFirst()
        }
        environment.cache.remove(segment)
        try SystemFiles.remove(segment.path)
        try SystemFiles.remove(segment.summaryPath)
    }
}
