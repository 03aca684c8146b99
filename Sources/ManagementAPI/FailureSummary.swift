import Foundation
package import StreamCore

/// Records that were given up, why, and whether their destination has them.
package struct FailureSummary: Codable, Hashable, Sendable {
    package var failure: String
    package var mapping: String
    package var functionARN: String
    package var streamARN: String
    package var shard: String
    /// Lambda's word for why.
    package var condition: String
    package var records: Int
    package var firstSequenceNumber: String
    package var lastSequenceNumber: String
    package var firstArrival: String
    package var lastArrival: String
    /// How often the function was invoked with these records.
    package var invocations: Int
    package var requestID: String
    package var executedVersion: String?
    /// How the last invocation failed; absent when the records grew too old.
    package var error: String?
    /// The last of what the function printed in the last invocation.
    package var logTail: String
    /// When the records were given up.
    package var time: String
    package var delivery: FailureDeliverySummary
    /// The function's event for these records; only in the answer for one failure.
    package var payload: String?

    package init(_ stored: StoredFailure, withPayload: Bool = false) {
        let failure = stored.failure
        self.failure = failure.id
        mapping = failure.mapping.text
        functionARN = failure.functionARN
        streamARN = failure.streamARN
        shard = failure.shard.text
        condition = failure.condition.rawValue
        records = failure.records.count
        firstSequenceNumber = failure.records.first.description
        lastSequenceNumber = failure.records.last.description
        firstArrival = failure.records.firstArrival.isoSeconds
        lastArrival = failure.records.lastArrival.isoSeconds
        invocations = failure.invokeCount
        requestID = failure.requestID
        executedVersion = failure.response?.executedVersion
        error = failure.response?.reason
        logTail = failure.logTail
        time = failure.time.isoSeconds
        delivery = FailureDeliverySummary(stored.delivery, to: failure.target)
        payload = withPayload ? String(decoding: failure.event, as: UTF8.self) : nil
    }
}

/// How far a failure is on its way.
package struct FailureDeliverySummary: Codable, Hashable, Sendable {
    package enum State: String, Codable, Sendable {
        /// The mapping names no destination; the failure is kept here only.
        case kept
        case waiting
        case delivered
    }

    package var state: State
    package var destination: String?
    /// Tries so far.
    package var attempts: Int
    package var nextAttempt: String?
    /// What the destination said last.
    package var lastError: String?
    package var deliveredAt: String?

    package init(_ delivery: StoredFailure.Delivery, to target: FailureTarget?) {
        destination = target?.text
        switch delivery {
        case .none: (state, attempts) = (.kept, 0)
        case .waiting(let attempts, let next, let error):
            (state, self.attempts, nextAttempt, lastError) = (.waiting, attempts, next.isoSeconds, error)
        case .delivered(let time, let attempts):
            (state, self.attempts, deliveredAt) = (.delivered, attempts, time.isoSeconds)
        }
    }
}

extension FailureDeliverySummary: CustomStringConvertible {
    /// In words, for people.
    package var description: String {
        switch state {
        case .kept: "kept, no destination"
        case .waiting where attempts == 0: "waiting"
        case .waiting: "waiting after \(attempts) failed \(attempts == 1 ? "try" : "tries")"
        case .delivered: "delivered"
        }
    }
}

extension Timestamp {
    /// Such as `2019-11-14T00:38:06Z`; milliseconds are left out.
    var isoSeconds: String {
        Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(.iso8601)
    }
}
