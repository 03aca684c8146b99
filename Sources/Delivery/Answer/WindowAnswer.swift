package import StreamCore

/// A tumbling window's answer: the new state, and what it says about the batch.
package struct WindowAnswer: Hashable, Sendable {
    /// Raw JSON of any kind but null, as the function wrote it.
    package let state: [UInt8]
    package let failures: BatchItemFailures

    /// - Parameter reportsFailures: Whether `batchItemFailures` is looked at; without, there are none.
    /// - Throws: When there is no state; the invocation has failed then.
    package init(
        answer: [UInt8],
        batch: RecordSelection,
        reportsFailures: Bool
    ) throws(InvalidWindowAnswer) {
        let read: FunctionAnswer
        do throws(MalformedJSON) {
            read = try FunctionAnswer(answer, batch: batch)
        } catch {
            throw InvalidWindowAnswer(reason: "the answer is not JSON: \(error)")
        }
        guard let state = read.state else {
            throw InvalidWindowAnswer(reason: "the answer has no state, which a tumbling window needs")
        }
        self.state = state
        failures = reportsFailures ? read.failures : .none
    }
}

/// Why an answer leaves a tumbling window without its state.
package struct InvalidWindowAnswer: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { reason }
}
