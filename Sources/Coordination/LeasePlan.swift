package import StreamCore

/// The leases that a worker should acquire next.
package struct LeasePlan: Hashable, Sendable {
    package let acquire: [LeaseRow]

    /// One lease as the planning worker sees it.
    package struct Candidate: Hashable, Sendable {
        package let row: LeaseRow
        /// Nobody has it, or its owner has expired.
        package let isFree: Bool
        /// How long nobody has shown any sign of life.
        package let silence: Duration

        package init(row: LeaseRow, isFree: Bool, silence: Duration) {
            self.row = row
            self.isFree = isFree
            self.silence = silence
        }
    }

    /// Aims for an equal share of ⌈leases ÷ workers⌉, longest silent first; a lease that nobody took for
    /// three failover times is taken whatever the share.
    ///
    /// - Parameter candidates: The leases that can be worked on: not at their shard's end, parents finished.
    package init(candidates: [Candidate], worker: WorkerID, failover: Duration) {
        let free = candidates.filter(\.isFree).sorted {
            ($0.silence, $1.row.key) > ($1.silence, $0.row.key)
        }
        let owners = Set(candidates.filter { !$0.isFree }.compactMap(\.row.owner)).union([worker])
        let heldCount = candidates.count { !$0.isFree && $0.row.owner == worker }
        let fairShare = (candidates.count + owners.count - 1) / owners.count

        // Also those without an owner: a worker that drains for long counts in the shares and takes nothing.
        let veryOld = free.filter { $0.silence >= failover * 3 }
        let wanted = max(0, fairShare - heldCount)
        acquire = (veryOld.count > wanted ? veryOld[...] : free.prefix(wanted)).map(\.row)
    }
}
