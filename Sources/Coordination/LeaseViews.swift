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

    /// What is known of a mapping's leases whose rows were read just now: these rows, against what its worker saw before.
    ///
    /// The worker's own last look may be a minute old, as it looks rarely at leases that are all its own.
    /// - Returns: `nil` when this process runs no worker of the mapping.
    package func facts(of mapping: MappingID, _ rows: [LeaseRow]) -> LeaseStatus.Facts? {
        guard let view = views.withLock({ $0[mapping] }) else { return nil }
        var facts = view.facts
        facts.rows = rows
        facts.now += view.stopwatch.elapsed - view.seenAt
        facts.observations.observe(rows, at: facts.now)
        return facts
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
