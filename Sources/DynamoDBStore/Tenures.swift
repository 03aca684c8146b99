import StreamCore
import Synchronization

/// What this process knows of the leases that it holds, so that a commit reads nothing.
///
/// At most one entry for each lease that was acquired and not released or lost.
final class Tenures: Sendable {
    struct Tenure: Sendable {
        let fence: UInt64
        /// Under which progress is stored.
        let lineage: UInt64
        /// See `LeaseItem.digitCount`.
        let digitCount: Int?
        /// The parts that the stored progress has; `nil` while nobody has looked.
        var progressGroups: [PartGroup]?
        /// Of the last transaction that was tried.
        var transactionNumber: UInt64 = 0
    }

    private let tenures = Mutex<[ShardID: Tenure]>([:])

    subscript(lease: Lease) -> Tenure? {
        get {
            tenures.withLock { tenures in
                guard let tenure = tenures[lease.key.shard], tenure.fence == lease.counter else { return nil }
                return tenure
            }
        }
        set {
            tenures.withLock { tenures in
                if let newValue {
                    tenures[lease.key.shard] = newValue
                } else if tenures[lease.key.shard]?.fence == lease.counter {
                    tenures[lease.key.shard] = nil
                }
            }
        }
    }

    /// The number of a transaction that is about to be tried; `nil` when nothing is known of the lease.
    func nextTransaction(of lease: Lease) -> UInt64? {
        tenures.withLock { tenures in
            let shard = lease.key.shard
            guard let tenure = tenures[shard], tenure.fence == lease.counter else { return nil }
            tenures[shard]?.transactionNumber += 1
            return tenure.transactionNumber + 1
        }
    }

    func forgetProgress(of lease: Lease) { self[lease]?.progressGroups = nil }

    func noteProgress(_ groups: [PartGroup], of shard: ShardID, lineage: UInt64?) {
        tenures.withLock { tenures in
            if let lineage, tenures[shard]?.lineage != lineage { return }
            tenures[shard]?.progressGroups = groups
        }
    }
}
