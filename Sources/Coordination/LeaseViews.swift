package import Delivery
package import StreamCore
import Synchronization

/// What the workers of this process last saw of their mappings' leases, for whoever asks why a shard does not move.
package final class LeaseViews: Sendable {
    private struct View {
        var facts: LeaseStatus.Facts
        let stopwatch: Stopwatch
        /// What `stopwatch` read when the facts were seen.
        let seenAt: Duration
        var holes: [HashKeyRange]
    }

    private let views = Mutex<[MappingID: View]>([:])

    package init() {}

    /// Why a shard moves or does not; `nil` when this process has not seen its lease.
    package func status(of key: LeaseKey, report: ShardReport? = nil) -> LeaseStatus? {
        guard let view = views.withLock({ $0[key.mapping] }) else { return nil }
        var facts = view.facts
        // Time has passed since the last look.
        facts.now += view.stopwatch.elapsed - view.seenAt
        return LeaseStatus(of: key, facts, report: report)
    }

    /// Hash keys whose records no lease of the mapping takes, seen several times in a row.
    package func holes(of mapping: MappingID) -> [HashKeyRange] {
        views.withLock { $0[mapping]?.holes ?? [] }
    }

    func note(
        _ facts: LeaseStatus.Facts,
        holes: [HashKeyRange],
        of mapping: MappingID,
        at stopwatch: Stopwatch
    ) {
        let view = View(facts: facts, stopwatch: stopwatch, seenAt: stopwatch.elapsed, holes: holes)
        views.withLock { $0[mapping] = view }
    }

    func remove(_ mapping: MappingID) { views.withLock { _ = $0.removeValue(forKey: mapping) } }
}
