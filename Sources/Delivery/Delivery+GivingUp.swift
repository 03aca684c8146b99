import Logging
import StreamCore

// Records that are given up: stored as a failure in the commit that moves the checkpoint past them.
extension Delivery {
    /// Gives the first records up when they have grown too old, whether they were tried or not; those that have not
    /// go on.
    ///
    /// - Returns: Whether some were given up.
    func giveUpExpired(_ split: inout BatchSplit, _ readUpTo: SequenceNumber?) async throws -> Bool {
        let time = now()
        guard split.separateExpired({ limits.isExpired($0.arrival, at: time) }),
            let piece = split.first, let last = piece.records.last
        else { return false }
        let failure = function.makeFailure(
            .recordAgeExceeded,
            of: piece.records,
            window: nil,
            invokeCount: max(1, piece.attempts),
            at: time
        )
        let end = split.count == 1 ? readUpTo ?? last.sequenceNumber : last.sequenceNumber
        split.finishFirst()
        try await giveUp(failure, upTo: end, split)
        return true
    }

    func giveUp(_ failure: BatchFailure, upTo end: SequenceNumber, _ split: BatchSplit) async throws {
        let step = DeliveryStep(done: end, retries: split.progress(lane: lane), failures: [failure])
        let checkpoint = try await ledger.commit(step, lane: lane)
        noteGivenUp(failure, upTo: checkpoint)
    }

    func noteGivenUp(_ failure: BatchFailure, upTo checkpoint: Checkpoint) {
        status.noteGivenUp(failure.records.count, upTo: checkpoint)
        logger.error(
            "records given up and stored as a failure",
            metadata: [
                "failure": "\(failure.id)", "condition": "\(failure.condition.rawValue)",
                "first": "\(failure.records.first)", "records": "\(failure.records.count)",
                "attempts": "\(failure.invokeCount)", "error": "\(failure.response?.reason ?? "")",
            ]
        )
    }
}
