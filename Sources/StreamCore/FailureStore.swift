/// The failures that were stored with checkpoints, and what has become of their delivery.
package protocol FailureStore: Sendable {
    /// Failures that are to be delivered by now, the longest waiting first; of each destination only the oldest few,
    /// so that one that is down holds up no other.
    ///
    /// A failure is due from the moment it was given up. `FailureLimits` bounds what is handed out beside `limit`.
    ///
    /// - Parameter closed: Destinations that take nothing now: theirs must not be in the way of others.
    func due(at now: Timestamp, limit: Int, except closed: Set<FailureTarget>) async throws -> [StoredFailure]

    /// Records that the destination has taken a failure; one that is delivered stays delivered.
    func noteDelivered(_ id: String, at now: Timestamp) async throws

    /// Records that a try has failed, and when the next is due.
    ///
    /// Nothing happens when it was delivered meanwhile. Of a long error the beginning is kept.
    func notePostponed(_ id: String, until next: Timestamp, error: String) async throws

    /// When the next failure of another than these destinations is due; `nil` when none waits.
    func nextDue(except closed: Set<FailureTarget>) async throws -> Timestamp?

    /// Failures of one mapping, or of all, the last stored first; without their events, which `failure` has.
    func failures(of mapping: MappingID?, limit: Int) async throws -> [StoredFailure]

    /// One failure with its event; `nil` when there is none of that name.
    func failure(_ id: String) async throws -> StoredFailure?

    /// Removes failures that were delivered, or have no destination, and are older than the limit kept of them.
    ///
    /// Those that wait for their destination stay, however old they are.
    func prune(deliveredBefore: Timestamp, undirectedBefore: Timestamp) async throws
}

extension FailureStore {
    package func due(at now: Timestamp, limit: Int) async throws -> [StoredFailure] {
        try await due(at: now, limit: limit, except: [])
    }

    package func nextDue() async throws -> Timestamp? { try await nextDue(except: []) }
}

/// How much of the failures is handed out at a time, and kept of each.
package enum FailureLimits {
    /// Due failures of one destination.
    package static let duePerDestination = 4
    /// Due failures' events together; a single one may be larger.
    package static let dueEventBytes = 32 << 20
    /// What a destination said when it refused.
    package static let errorBytes = 1024
}

/// A failure and the state of its delivery.
package struct StoredFailure: Hashable, Sendable {
    package let failure: BatchFailure
    package let delivery: Delivery

    package init(failure: BatchFailure, delivery: Delivery) {
        self.failure = failure
        self.delivery = delivery
    }

    package enum Delivery: Hashable, Sendable {
        /// The mapping names no destination.
        case none
        /// `attempts` counts the tries that have failed.
        case waiting(attempts: Int, nextAttempt: Timestamp, lastError: String?)
        /// `attempts` counts all tries.
        case delivered(at: Timestamp, attempts: Int)
    }
}

/// Takes failures to where a mapping wants them.
package protocol FailureDestination: Sendable {
    /// Returns when the destination has taken the failure for good.
    ///
    /// - Throws: What the destination said. Delivering again is safe, and may deliver twice.
    func deliver(_ failure: BatchFailure) async throws
}
