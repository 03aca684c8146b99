package import StreamCore

/// The leases that a worker should acquire next, and those that it should ask others for.
///
/// Every worker plans the whole fleet from the same rows, and carries out its own part: as their plans are alike,
/// they seldom want the same lease, and need nobody to lead them.
package struct LeasePlan: Hashable, Sendable {
    package let acquire: [LeaseRow]
    /// Held by others, who are to hand them over.
    package let requests: [LeaseRow]
    /// There is more to acquire or to ask for, which is to be planned anew: others may have come meanwhile.
    package let isPartial: Bool

    /// What an even share is measured by.
    package enum Balancing: String, Hashable, Sendable, CaseIterable {
        /// The number of leases.
        case count
        /// CPU time and throughput, as KCL 3 does.
        case load
    }

    /// One lease as the planning worker sees it.
    package struct Candidate: Hashable, Sendable {
        package enum State: Hashable, Sendable {
            /// Somebody has it who lives.
            case held
            /// Kept for the planning worker, or held under its name and not processed by it.
            case owed
            /// Nobody has it, or its holder is dead, for so long.
            case free(Duration)
        }

        package let row: LeaseRow
        package let state: State
        /// How long nobody has shown any sign of life.
        package let silence: Duration

        package init(row: LeaseRow, state: State, silence: Duration = .zero) {
            self.row = row
            self.state = state
            self.silence = silence
        }
    }

    /// A worker that lives.
    package struct Member: Hashable, Sendable {
        package let worker: WorkerID
        /// How much of its CPU time it uses, in percent; `nil` while it is not known.
        package let cpu: Double?
        /// It gives up its leases, and takes none.
        package let isDraining: Bool

        package init(_ worker: WorkerID, cpu: Double? = nil, isDraining: Bool = false) {
            self.worker = worker
            self.cpu = cpu
            self.isDraining = isDraining
        }
    }

    /// What a plan is made by.
    package struct Rules: Hashable, Sendable {
        package var balancing: Balancing
        package var timing: LeaseTiming
        /// The most leases of the mapping that the planning worker may have; `nil` is any number.
        package var maxLeases: Int?

        package init(balancing: Balancing = .load, timing: LeaseTiming = LeaseTiming(), maxLeases: Int? = nil)
        {
            self.balancing = balancing
            self.timing = timing
            self.maxLeases = maxLeases
        }
    }

    /// So many leases are acquired at once, or a third of what is wanted if that is more: a worker that starts first
    /// does not take everything from under those that start a moment later.
    static let leastAcquired = 16
    /// So many hand-offs are asked for at once, or two thirds of what is wanted if that is more.
    static let leastRequested = 64

    /// - Parameters:
    ///   - candidates: The leases that can be worked on: not at their shard's end, parents finished.
    ///   - members: The workers that live; holders of leases are known without being named here.
    ///   - isBalanceDue: Loads may be balanced now; counts may always be.
    package init(
        candidates: [Candidate],
        members: [Member] = [],
        worker: WorkerID,
        rules: Rules = Rules(),
        isBalanceDue: Bool = false
    ) {
        var fleet = PlannedFleet(candidates: candidates, members: members, worker: worker)
        let owed = candidates.filter { $0.state == .owed }.map(\.row)
        let heldCount = candidates.count { $0.state == .held && $0.row.owner == worker }
        let room = rules.maxLeases.map { max(0, $0 - heldCount) } ?? .max

        let free = FreeLeases(candidates, timing: rules.timing)
        let wanted = Array((owed + free.shared(in: &fleet, balancing: rules.balancing)).prefix(room))
        let limit = max(Self.leastAcquired, wanted.count / 3, owed.count)
        acquire = Array(wanted.prefix(limit))

        var requests: [LeaseRow] = []
        if room > acquire.count, wanted.count == acquire.count {
            requests = fleet.evenCounts(balancing: rules.balancing)
            if requests.isEmpty, isBalanceDue, rules.balancing == .load { requests = fleet.evenLoads() }
            requests = Array(requests.prefix(room - acquire.count))
        }
        let most = max(Self.leastRequested, requests.count * 2 / 3)
        self.requests = Array(requests.prefix(most))
        isPartial = wanted.count > limit
    }

    /// A plan that leaves the choice to another: what is assigned to this worker is acquired, and nothing else.
    package init(following candidates: [Candidate], worker: WorkerID) {
        acquire = candidates.filter { $0.state == .owed && $0.row.owner == worker && $0.row.handOff == nil }
            .map(\.row)
        (requests, isPartial) = ([], false)
    }
}

/// The leases that nobody holds, in the order in which they are to be taken.
private struct FreeLeases {
    private struct Entry {
        let row: LeaseRow
        /// Nobody whose share it was has taken it.
        let isOverdue: Bool
        let order: (veryOld: Duration, hash: UInt64)
    }

    private let entries: [Entry]

    init(_ candidates: [LeasePlan.Candidate], timing: LeaseTiming) {
        let entries = candidates.compactMap { candidate -> Entry? in
            guard case .free(let time) = candidate.state else { return nil }
            let isVeryOld = candidate.silence >= timing.veryOld
            return Entry(
                row: candidate.row,
                isOverdue: isVeryOld || time >= timing.renewal,
                order: (isVeryOld ? candidate.silence : .zero, PlaceHash(candidate.row.key.shard).value)
            )
        }
        self.entries = entries.sorted {
            ($0.order.veryOld, $1.order.hash, $1.row.key) > ($1.order.veryOld, $0.order.hash, $0.row.key)
        }
    }

    /// Hands them out in turn to the workers that are below their share; what was left lying is anyone's.
    func shared(in fleet: inout PlannedFleet, balancing: LeasePlan.Balancing) -> [LeaseRow] {
        entries.compactMap { entry in
            fleet.assign(entry.row, balancing: balancing) || entry.isOverdue ? entry.row : nil
        }
    }
}
