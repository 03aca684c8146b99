import Synchronization

/// Keeps the segment files open that were used last, readers and writers sharing one descriptor.
final class SegmentFileCache: Sendable {
    private struct Entry {
        let file: SegmentFile
        var lastUse: UInt64
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var uses: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    func file(for segment: Segment) throws -> SegmentFile {
        let found = state.withLock { state -> SegmentFile? in
            state.uses += 1
            state.entries[ObjectIdentifier(segment)]?.lastUse = state.uses
            return state.entries[ObjectIdentifier(segment)]?.file
        }
        if let found { return found }
        let file = try SegmentFile.open(segment)
        insert(file)
        return file
    }

    func insert(_ file: SegmentFile) {
        // Closed outside the lock: the last reference may go with it.
        let evicted = state.withLock { state -> SegmentFile? in
            state.uses += 1
            state.entries[ObjectIdentifier(file.segment)] = Entry(file: file, lastUse: state.uses)
            guard state.entries.count > limit,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            else { return nil }
            return state.entries.removeValue(forKey: oldest.key)?.file
        }
        withExtendedLifetime(evicted) {}
    }

    /// Lets go of a file that has been removed.
    func remove(_ segment: Segment) {
        let removed = state.withLock { $0.entries.removeValue(forKey: ObjectIdentifier(segment)) }
        withExtendedLifetime(removed) {}
    }
}
