package import StreamCore

/// How often and how long a batch is tried, and what becomes of it then: the options of a mapping as a rule.
package struct RetryLimits: Hashable, Sendable {
    /// Invocations after the first; `nil` repeats for ever.
    package let retries: Int?
    /// Records that arrived longer ago are given up; `nil` for no limit.
    package let recordAgeMilliseconds: Int64?
    /// A batch that fails is split in two, each with a count of its own.
    package let bisects: Bool

    package init(retries: Int? = nil, recordAgeMilliseconds: Int64? = nil, bisects: Bool = false) {
        self.retries = retries
        self.recordAgeMilliseconds = recordAgeMilliseconds
        self.bisects = bisects
    }

    package init(_ source: EventSource) {
        self.init(
            retries: source.maximumRetryAttempts,
            recordAgeMilliseconds: source.maximumRecordAgeSeconds.map { Int64($0) * 1000 },
            bisects: source.bisectsOnError
        )
    }

    package enum Step: Hashable, Sendable {
        /// The same records are invoked once more.
        case retry
        /// Two batches with fresh counts; the second begins at this place.
        case split(at: Int)
        case giveUp(BatchFailure.Condition)
    }

    /// What follows a failed invocation.
    ///
    /// - Parameters:
    ///   - recordCount: How many records it was invoked with.
    ///   - attempts: How often just these records have failed, this time included.
    ///   - isTooLarge: Their event passes what one invocation may carry: trying again would not help.
    package func step(afterFailureOf recordCount: Int, attempts: Int, isTooLarge: Bool = false) -> Step {
        if isTooLarge {
            return recordCount > 1 ? .split(at: recordCount / 2) : .giveUp(.maximumPayloadSizeExceeded)
        }
        if bisects, recordCount > 1 { return .split(at: recordCount / 2) }
        if let retries, attempts > retries { return .giveUp(.retryAttemptsExhausted) }
        return .retry
    }

    package func isExpired(_ arrival: Timestamp, at now: Timestamp) -> Bool {
        guard let recordAgeMilliseconds else { return false }
        return now.millisecondsSince(arrival) > recordAgeMilliseconds
    }
}
