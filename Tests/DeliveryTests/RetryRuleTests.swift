import Delivery
import StreamCore
import TestSupport
import Testing

struct RetryLimitsTests {
    struct Case: Sendable {
        let retries: Int?
        var bisects = false
        var records = 5
        let attempts: Int
        var isTooLarge = false
        let step: RetryLimits.Step
    }

    @Test(arguments: [
        // "Retries after the first attempt, so N means N+1 invocations."
        Case(retries: 0, attempts: 1, step: .giveUp(.retryAttemptsExhausted)),
        Case(retries: 2, attempts: 2, step: .retry),
        Case(retries: 2, attempts: 3, step: .giveUp(.retryAttemptsExhausted)),
        // "Default (infinite, no age): one bad record can hold a shard for the retention time."
        Case(retries: nil, attempts: 1_000_000, step: .retry),
        // "On a function error, split in two and retry each."
        Case(retries: nil, bisects: true, attempts: 1, step: .split(at: 2)),
        // "With bisect, a batch can be invoked again although MaximumRetryAttempts is 0, since a split is not a retry."
        Case(retries: 0, bisects: true, records: 2, attempts: 1, step: .split(at: 1)),
        Case(retries: 0, bisects: true, records: 1, attempts: 1, step: .giveUp(.retryAttemptsExhausted)),
        Case(retries: 1, bisects: true, records: 1, attempts: 1, step: .retry),
        // The 6 MB payload limit: what never fits is not tried again.
        Case(retries: nil, attempts: 1, isTooLarge: true, step: .split(at: 2)),
        Case(
            retries: nil,
            records: 1,
            attempts: 1,
            isTooLarge: true,
            step: .giveUp(.maximumPayloadSizeExceeded)
        ),
    ])
    func `what follows a failure is what Lambda's options say`(rule: Case) {
        let limits = RetryLimits(retries: rule.retries, bisects: rule.bisects)

        let step = limits.step(
            afterFailureOf: rule.records,
            attempts: rule.attempts,
            isTooLarge: rule.isTooLarge
        )

        #expect(step == rule.step)
    }

    // "Age by approximate arrival."
    @Test(arguments: [(60_000, false), (60_001, true), (-5, false)])
    func `a record expires once it is older than the limit`(age: Int64, isExpired: Bool) {
        let limits = RetryLimits(recordAgeMilliseconds: 60_000)
        let arrival = Timestamp(milliseconds: 1_000_000)

        #expect(limits.isExpired(arrival, at: arrival.advanced(byMilliseconds: age)) == isExpired)
        #expect(!RetryLimits().isExpired(arrival, at: arrival.advanced(byMilliseconds: age)))
    }
}

struct BatchSplitTests {
    private let time = Timestamp(milliseconds: 7)

    private func stored(_ first: SequenceNumber, _ last: SequenceNumber, _ attempts: Int) -> BatchProgress {
        BatchProgress(first: first, last: last, attempts: attempts, firstFailure: time)
    }

    /// The pieces in order, with their attempts.
    private func pieces(of split: BatchSplit) -> [String] {
        var (split, pieces) = (split, [String]())
        while let piece = split.first {
            pieces.append("\(piece.records.compacted().numbers) \(piece.attempts)")
            split.finishFirst()
        }
        return pieces
    }

    @Test func `a batch that never failed is not worth storing`() {
        #expect(BatchSplit(RecordBatch.numbered(1...4).all).progress(lane: 0) == [])
    }

    @Test func `both halves have fresh counts and keep the first failure's time`() {
        var split = BatchSplit(RecordBatch.numbered(1...5).all)

        split.noteFailure(at: time)
        split.splitFirst(at: 2)

        #expect(pieces(of: split) == ["[1, 2] 0", "[3, 4, 5] 0"])
        #expect(split.progress(lane: 0) == [stored(1, 2, 0), stored(3, 5, 0)])
    }

    // "The narrowed batch is a new batch with a fresh budget."
    @Test func `what is left behind the records that are done has a fresh count`() {
        var split = BatchSplit(RecordBatch.numbered(1...5).all)
        split.noteFailure(at: time)

        split.finish(3, at: Timestamp(milliseconds: 9))

        #expect(pieces(of: split) == ["[4, 5] 0"])
        #expect(split.progress(lane: 0) == [stored(4, 5, 0)])
    }

    // "Per record: only the expired ones leave the batch."
    @Test func `records that expired are cut from the others, and both keep their count`() {
        var split = BatchSplit(RecordBatch.numbered(1...5).all)
        split.noteFailure(at: time)

        #expect(split.separateExpired { $0.arrival.milliseconds <= 2 })

        #expect(pieces(of: split) == ["[1, 2] 1", "[3, 4, 5] 1"])
    }

    @Test func `stored pieces are taken up with their counts, and what lies between is new`() {
        let split = BatchSplit(
            RecordBatch.numbered(1...9).all,
            resuming: [stored(7, 8, 1), stored(2, 4, 3)]
        )

        #expect(pieces(of: split) == ["[1] 0", "[2, 3, 4] 3", "[5, 6] 0", "[7, 8] 1", "[9] 0"])
    }

    @Test func `of stored pieces whose records no longer pass the filter nothing is left`() {
        let progress = [stored(1, 3, 2), stored(4, 6, 1), stored(7, 9, 4)]

        #expect(
            pieces(of: BatchSplit(RecordBatch.numbered([2, 8, 12]).all, resuming: progress))
                == ["[2] 2", "[8] 4", "[12] 0"]
        )
        #expect(
            pieces(of: BatchSplit(RecordBatch.numbered(20...21).all, resuming: progress)) == ["[20, 21] 0"]
        )
    }

    @Test func `what is stored after any steps is what the next worker goes on with`() {
        var split = BatchSplit(RecordBatch.numbered(1...8).all)
        split.noteFailure(at: time)
        split.splitFirst(at: 4)
        split.noteFailure(at: time)
        split.splitFirst(at: 2)
        split.noteFailure(at: time)

        let resumed = BatchSplit(RecordBatch.numbered(1...8).all, resuming: split.progress(lane: 0))

        #expect(pieces(of: resumed) == ["[1, 2] 1", "[3, 4] 0", "[5, 6, 7, 8] 0"])
        #expect(resumed.progress(lane: 0) == split.progress(lane: 0))
    }
}
