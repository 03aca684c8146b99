/// Who waits for records of one shard, each by the number of the record that it waits for.
///
/// Guarded by the lock of its owner.
struct Watchers: Sendable {
    private struct Watcher {
        let id: Int
        let wanted: UInt64
        let action: @Sendable () -> Void
    }

    /// Few: each is a consumer of the shard.
    private var watchers: [Watcher] = []
    private var nextID = 0

    mutating func add(_ action: @escaping @Sendable () -> Void, wanted: UInt64) -> Int {
        nextID += 1
        watchers.append(Watcher(id: nextID, wanted: wanted, action: action))
        return nextID
    }

    mutating func remove(_ id: Int) {
        watchers.removeAll { $0.id == id }
    }

    /// - Returns: What to call, outside of the lock: the actions of those whose record is no later than this one.
    mutating func take(upTo newest: UInt64) -> [@Sendable () -> Void] {
        guard !watchers.isEmpty else { return [] }
        let met = watchers.filter { $0.wanted <= newest }
        watchers.removeAll { $0.wanted <= newest }
        return met.map(\.action)
    }

    mutating func takeAll() -> [@Sendable () -> Void] { take(upTo: .max) }
}
