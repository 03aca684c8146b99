import KinesisWire
import StreamCore
import Synchronization

/// Answers that were fetched ahead of those who read them, and what was left of the first.
struct AnswerQueue {
    /// While so much waits, nothing more is fetched.
    private static let maximumAnswers = 2
    private static let maximumBytes = 4 << 20

    private var answers: [ReceivedRecords] = []
    /// Of the first answer so many records are taken.
    private var taken = 0
    private var bytes = 0
    /// Of the last answer.
    private(set) var millisBehindLatest: Int64 = 0
    private(set) var isEnded = false

    var isEmpty: Bool { answers.isEmpty }
    var hasRoom: Bool { !isEnded && answers.count < Self.maximumAnswers && bytes < Self.maximumBytes }
    /// The last answer was not all that there was.
    var isBehind: Bool { millisBehindLatest > 0 && !isEnded }

    mutating func add(_ answer: ReceivedRecords, isEnd: Bool) {
        millisBehindLatest = answer.millisBehindLatest
        isEnded = isEnd
        guard !answer.batch.isEmpty else { return }
        answers.append(answer)
        bytes += answer.batch.bytes.count
    }

    /// The next records; `nil` when there are none and the shard has not ended.
    mutating func take(maxRecords: Int, maxBytes: Int) -> ReadResult? {
        guard let first = answers.first else {
            return isEnded ? ReadResult(batch: .empty, millisBehindLatest: 0, isEnd: true) : nil
        }
        let end = Self.end(of: first.batch, from: taken, maxRecords: maxRecords, maxBytes: maxBytes)
        let batch = taken == 0 && end == first.batch.count ? first.batch : first.batch.slice(taken..<end)
        if end == first.batch.count {
            bytes -= first.batch.bytes.count
            answers.removeFirst()
            taken = 0
        } else {
            taken = end
        }
        let isLast = answers.isEmpty
        return ReadResult(
            batch: batch,
            millisBehindLatest: isLast ? first.millisBehindLatest : max(1, first.millisBehindLatest),
            isEnd: isLast && isEnded
        )
    }

    /// Stops before the record that would pass the most bytes; one comes in any case.
    private static func end(of batch: RecordBatch, from start: Int, maxRecords: Int, maxBytes: Int) -> Int {
        let most = min(batch.count, start + max(1, maxRecords))
        var left = maxBytes
        return batch.entries.withUnsafeBufferPointer { entries in
            for index in start..<most {
                left -= entries[index].dataBytes
                if left < 0, index > start { return index }
            }
            return most
        }
    }
}

extension RecordBatch {
    /// Some records in a row, with their bytes alone.
    func slice(_ range: Range<Int>) -> RecordBatch {
        let start = entries[range.lowerBound].keyRange.lowerBound
        let end = entries[range.upperBound - 1].payloadRange.upperBound
        let moved = entries[range].map { entry in
            RecordEntry(
                sequenceNumber: entry.sequenceNumber,
                arrival: entry.arrival,
                offset: entry.offset - UInt32(start),
                keyBytes: entry.keyBytes,
                payloadBytes: entry.payloadBytes,
                subSequenceNumber: entry.subSequenceNumber
            )
        }
        return RecordBatch(bytes: Array(bytes[start..<end]), entries: moved)
    }
}
