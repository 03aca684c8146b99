import StreamCore

/// What one invocation means for its batch.
enum Verdict {
    /// All of it is done; with the state that the function returned, where it keeps one.
    case done(state: [UInt8]?)
    /// So many records are done, at least one and not all; the next was named as failed.
    case doneBefore(Int, state: [UInt8]?)
    /// An attempt was spent.
    case failed(Failure)
    case notInvoked(HandlerUnavailable)

    struct Failure {
        let reason: String
        /// The function answered and named records as failed, so that Lambda speaks of no error.
        var isAnswer = false
        /// The event passes what one invocation may carry.
        var isTooLarge = false
    }

    init(_ outcome: InvocationOutcome, of records: RecordSelection, reportsFailures: Bool, hasWindow: Bool) {
        switch outcome {
        case .succeeded where hasWindow:
            self = .failed(Failure(reason: "the answer has no state, which a tumbling window needs"))
        case .succeeded: self = .done(state: nil)
        case .answered(let answer):
            var state: [UInt8]?
            var failures = BatchItemFailures.none
            if hasWindow {
                do throws(InvalidWindowAnswer) {
                    let read = try WindowAnswer(
                        answer: answer,
                        batch: records,
                        reportsFailures: reportsFailures
                    )
                    (state, failures) = (read.state, read.failures)
                } catch {
                    self = .failed(Failure(reason: error.reason))
                    return
                }
            } else if reportsFailures {
                failures = BatchItemFailures(answer: answer, batch: records)
            }
            self = Self(failures, of: records, state: state)
        case .succeededBefore(let number): self = Self(.from(number), of: records, state: nil)
        case .failed(let failure):
            var isTooLarge = false
            if case .payloadTooLarge = failure { isTooLarge = true }
            self = .failed(Failure(reason: failure.description, isTooLarge: isTooLarge))
        case .notInvoked(let unavailable): self = .notInvoked(unavailable)
        }
    }

    private init(_ failures: BatchItemFailures, of records: RecordSelection, state: [UInt8]?) {
        switch failures {
        case .none: self = .done(state: state)
        case .all(let reason): self = .failed(Failure(reason: reason, isAnswer: true))
        case .from(let number):
            let doneCount = records.position(of: number)
            // As Lambda does it: a number that is not in the batch says nothing about the others.
            let isKnown = doneCount < records.count && records[doneCount].sequenceNumber == number
            if isKnown, doneCount > 0 {
                self = .doneBefore(doneCount, state: state)
            } else {
                let place = isKnown ? "" : ", which is not in the batch"
                self = .failed(
                    Failure(reason: "the function named \(number) as failed\(place)", isAnswer: true)
                )
            }
        }
    }
}
