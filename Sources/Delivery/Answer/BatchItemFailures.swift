package import StreamCore

/// What `batchItemFailures` in a function's answer says about a batch.
package enum BatchItemFailures: Hashable, Sendable {
    /// Complete success.
    case none
    /// Complete failure.
    case all(reason: String)
    /// The lowest record listed: everything before it is done; it and what follows is to be invoked again.
    case from(SequenceNumber)

    /// Reads the answer of a function that reports failures.
    ///
    /// Nothing, `""`, null, and an object without the list are success. What is no such answer, or lists something that
    /// is no record of the batch, says nothing about any record, and so all have failed: text that is not JSON, which
    /// Lambda states for its queues and leaves open for streams, and any other value that is no object.
    package init(answer: [UInt8], batch: RecordSelection) {
        do throws(MalformedJSON) {
            self = try FunctionAnswer(answer, batch: batch).failures
        } catch {
            self = .all(reason: "the answer is not JSON: \(error)")
        }
    }
}
