/// What is kept about records that were given up on, so that nothing is lost and somebody can see why.
///
/// Stored in the transaction that moves the checkpoint past the records.
package struct BatchFailure: Hashable, Sendable {
    /// Lambda's words for why.
    package enum Condition: String, Hashable, Sendable, Codable {
        case retryAttemptsExhausted = "RetryAttemptsExhausted"
        case recordAgeExceeded = "RecordAgeExceeded"
        /// The records' event passes what one invocation may carry, however often it is tried.
        case maximumPayloadSizeExceeded = "MaximumPayloadSizeExceeded"
    }

    /// A fresh UUID.
    package let id: String
    package let mapping: MappingID
    package let shard: ShardID
    package let streamARN: String
    /// With the qualifier of the mapping, if it has one.
    package let functionARN: String
    package let condition: Condition
    /// How often the function was invoked with these records, at least 1 as Lambda counts.
    package let invokeCount: Int
    /// The request of the last attempt; a fresh UUID when there was none.
    package let requestID: String
    /// How the last attempt ended; `nil` when the records grew too old, as Lambda leaves it out then.
    package let response: Response?
    package let records: Records
    /// When the records were given up.
    package let time: Timestamp
    /// The function's event for these records: JSON.
    package let event: [UInt8]
    /// The last of what the function printed in the last attempt, at most 4 KiB.
    package let logTail: String
    package let target: FailureTarget?

    package init(
        id: String,
        mapping: MappingID,
        shard: ShardID,
        streamARN: String,
        functionARN: String,
        condition: Condition,
        invokeCount: Int,
        requestID: String,
        response: Response?,
        records: Records,
        time: Timestamp,
        event: [UInt8],
        logTail: String,
        target: FailureTarget?
    ) {
        self.id = id
        self.mapping = mapping
        self.shard = shard
        self.streamARN = streamARN
        self.functionARN = functionARN
        self.condition = condition
        self.invokeCount = invokeCount
        self.requestID = requestID
        self.response = response
        self.records = records
        self.time = time
        self.event = event
        self.logTail = logTail
        self.target = target
    }

    /// How an attempt ended, as Lambda puts it into `responseContext`.
    package struct Response: Hashable, Sendable, Codable {
        /// 200, also after an error of the function.
        package let statusCode: Int
        /// A version's number or `$LATEST`.
        package let executedVersion: String
        /// `Unhandled` after an error; `nil` when the function answered and named records as failed.
        package let functionError: String?
        /// Why, in words; not a part of Lambda's record.
        package let reason: String

        package init(statusCode: Int = 200, executedVersion: String, functionError: String?, reason: String) {
            self.statusCode = statusCode
            self.executedVersion = executedVersion
            self.functionError = functionError
            self.reason = reason
        }
    }

    /// The records in numbers.
    package struct Records: Hashable, Sendable, Codable {
        package let count: Int
        package let first: SequenceNumber
        package let last: SequenceNumber
        package let firstArrival: Timestamp
        package let lastArrival: Timestamp

        package init(
            count: Int,
            first: SequenceNumber,
            last: SequenceNumber,
            firstArrival: Timestamp,
            lastArrival: Timestamp
        ) {
            self.count = count
            self.first = first
            self.last = last
            self.firstArrival = firstArrival
            self.lastArrival = lastArrival
        }
    }
}

extension String {
    /// The longest beginning of whole characters that has at most so many bytes in UTF-8.
    package func prefixOfUTF8(_ limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end.samePosition(in: self) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

extension BatchFailure {
    /// What nobody searches for, which stores keep in one piece.
    package struct Details: Hashable, Sendable, Codable {
        let streamARN: String
        let functionARN: String
        let condition: Condition
        let invokeCount: Int
        let requestID: String
        let response: Response?
        let records: Records
        let logTail: String
    }

    package var details: Details {
        Details(
            streamARN: streamARN,
            functionARN: functionARN,
            condition: condition,
            invokeCount: invokeCount,
            requestID: requestID,
            response: response,
            records: records,
            logTail: logTail
        )
    }

    /// The same for a list: events are up to some megabytes each.
    package var withoutEvent: BatchFailure {
        BatchFailure(
            id: id,
            mapping: mapping,
            shard: shard,
            time: time,
            event: [],
            target: target,
            details: details
        )
    }

    /// As it was stored.
    package init(
        id: String,
        mapping: MappingID,
        shard: ShardID,
        time: Timestamp,
        event: [UInt8],
        target: FailureTarget?,
        details: Details
    ) {
        self.init(
            id: id,
            mapping: mapping,
            shard: shard,
            streamARN: details.streamARN,
            functionARN: details.functionARN,
            condition: details.condition,
            invokeCount: details.invokeCount,
            requestID: details.requestID,
            response: details.response,
            records: details.records,
            time: time,
            event: event,
            logTail: details.logTail,
            target: target
        )
    }
}
