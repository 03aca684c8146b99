/// What an operator sees and does of leases and workers: through a running host, or straight at the store.
package protocol LeaseInspection: Sendable {
    /// The leases of one mapping, or of all, by mapping and shard.
    func leases(of mapping: String?) async throws -> [LeaseSummary]

    /// Every worker that has reported itself, in order of their names.
    func workers() async throws -> [WorkerSummary]

    /// Takes a lease from whoever has it or waits for it, so that any worker takes it at its next look.
    ///
    /// - Returns: The lease as it was before.
    func release(_ lease: LeaseSummary) async throws -> LeaseSummary

    /// Asks a worker to finish its batches in hand, give up its leases and end.
    ///
    /// - Returns: The worker as it is now.
    func drain(_ worker: String) async throws -> WorkerSummary
}

/// Why a lease or a worker was left as it is.
package struct InspectionRefused: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Sendable {
        case notFound
        /// It is not in a state in which that can be done.
        case conflict
    }

    package let reason: Reason
    package let description: String
    package let hint: String?

    package init(_ reason: Reason, _ description: String, hint: String? = nil) {
        self.reason = reason
        self.description = description
        self.hint = hint
    }
}
