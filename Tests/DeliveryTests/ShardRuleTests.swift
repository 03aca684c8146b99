import Delivery
import Foundation
import StreamCore
import TestSupport
import Testing

struct TumblingWindowTests {
    // "Window of a record = by approximate arrival time, aligned."
    @Test(arguments: [
        (120, 0, 0), (120, 119_999, 0), (120, 120_000, 120_000), (120, 250_000, 240_000),
        (1, 1_999, 1_000), (900, 899_999, 0), (900, 900_000, 900_000),
        // Before 1970 too a window begins before its records.
        (120, -1, -120_000), (120, -120_000, -120_000),
        // A length that does not divide the day or the hour is aligned to 1970, not to midnight.
        (7, 86_400_000, 86_394_000),
    ])
    func `windows are aligned to 1970 in UTC, with their start and without their end`(
        seconds: Int,
        arrival: Int64,
        start: Int64
    ) {
        let bounds = TumblingWindow(seconds: seconds).bounds(
            of: Timestamp(milliseconds: arrival),
            current: nil
        )

        #expect(bounds.start.milliseconds == start)
        #expect(bounds.end.milliseconds == start + Int64(seconds) * 1000)
    }

    @Test func `the event of AWS's guide lies in the window that it names`() throws {
        let style = Date.ISO8601FormatStyle()
        let date = try style.parse("2020-12-09T07:04:33Z")

        let bounds = TumblingWindow(seconds: 120).bounds(
            of: Timestamp(milliseconds: Int64(date.timeIntervalSince1970) * 1000),
            current: nil
        )

        let names = [bounds.start, bounds.end].map {
            Date(timeIntervalSince1970: Double($0.milliseconds) / 1000).formatted(style)
        }
        #expect(names == ["2020-12-09T07:04:00Z", "2020-12-09T07:06:00Z"])
    }

    @Test(arguments: [(119_999, 120_000), (150_000, 120_000), (239_999, 120_000), (240_000, 240_000)])
    func `a late record is counted into the window in hand, a later one begins its own`(
        arrival: Int64,
        start: Int64
    ) {
        let window = TumblingWindow(seconds: 120)
        let current = window.bounds(of: Timestamp(milliseconds: 130_000), current: nil)

        let bounds = window.bounds(of: Timestamp(milliseconds: arrival), current: current)

        #expect(bounds.start.milliseconds == start)
    }
}

struct LaneWatermarkTests {
    private func dealt(_ lanes: [Int], of count: Int, done: [SequenceNumber?]? = nil) -> LaneWatermark {
        var watermark = LaneWatermark(done: done ?? Array(repeating: nil, count: count))
        let entries = RecordBatch.numbered(1...UInt64(lanes.count)).entries
        for (entry, lane) in zip(entries, lanes) where !watermark.isDone(entry.sequenceNumber, in: lane) {
            watermark.deal(entry, to: lane)
        }
        if let last = entries.last { watermark.noteRead(upTo: last.sequenceNumber) }
        return watermark
    }

    // "The checkpoint is the lowest unfinished record."
    @Test func `a shard is as far as its lowest unfinished record`() {
        var watermark = dealt([0, 1, 0, 1], of: 2)

        watermark.finish(upTo: 4, in: 1)
        #expect(watermark.reached == nil)
        #expect(watermark.progress == LaneProgress(count: 2, done: [nil, 4]))
        #expect(watermark.oldestUnfinished?.milliseconds == 1)

        watermark.finish(upTo: 1, in: 0)
        #expect(watermark.reached == 2)
        #expect(watermark.aheadCount == 2)

        watermark.finish(upTo: 3, in: 0)
        #expect(watermark.reached == 4)
        #expect(watermark.progress == nil)
        #expect(watermark.oldestUnfinished == nil)
    }

    @Test func `what an earlier worker's lanes had done is not dealt out again`() {
        var watermark = dealt([0, 1, 0, 1], of: 2, done: [nil, 4])
        #expect(watermark.aheadCount == 2)

        watermark.finish(upTo: 3, in: 0)

        #expect(watermark.reached == 4)
    }

    @Test func `records that need no function are done once those before them are`() {
        var watermark = dealt([0], of: 2)

        watermark.noteRead(upTo: 9)
        #expect(watermark.reached == nil)
        watermark.finish(upTo: 1, in: 0)

        #expect(watermark.reached == 9)
    }

    @Test func `a lane that reports an older record moves nothing back`() {
        var watermark = dealt([0, 0, 0], of: 2)

        watermark.finish(upTo: 2, in: 0)
        watermark.finish(upTo: 1, in: 0)

        #expect(watermark.reached == 2)
    }
}

struct ResumedBatchWindowTests {
    private let limits = BatchLimits(records: 3, window: .zero, eventBytes: BatchLimits.lambdaEventBytes)

    private func reading(_ numbers: [UInt64], upTo end: SequenceNumber) -> ShardReading {
        ShardReading(
            batch: .numbered(numbers),
            readUpTo: end,
            readCount: numbers.count,
            isTipReached: false,
            isEnd: false
        )
    }

    @Test func `what was one batch stays one, although batches are smaller now`() {
        var window = BatchWindow(limits, now: .zero, resumeEnd: 5)

        window.add(reading([1, 2, 3, 4], upTo: 4))
        #expect(window.take(now: .zero) == nil)
        window.add(reading([5, 6, 7, 8], upTo: 8))

        #expect(window.take(now: .zero)?.compacted().numbers == [1, 2, 3, 4, 5])
        #expect(window.take(now: .zero)?.compacted().numbers == [6, 7, 8])
    }

    @Test func `a batch that was begun is read in large parts, however much of it is there`() {
        let thousand = BatchLimits(records: 1000, window: .zero, eventBytes: BatchLimits.lambdaEventBytes)
        var window = BatchWindow(thousand, now: .zero, resumeEnd: 5000)

        window.add(reading(Array(1...1000), upTo: 1000))

        #expect(window.readRecords == 1000)
    }

    @Test func `what was begun before there were windows is cut where a window ends`() {
        var window = BatchWindow(
            limits,
            now: .zero,
            resumeEnd: 1100,
            tumbling: TumblingWindow(seconds: 1)
        )
        window.add(reading([900, 1000, 1100, 1200], upTo: 1200))

        #expect(window.take(now: .zero)?.compacted().numbers == [900])
        #expect(window.bounds?.start.milliseconds == 0)
        #expect(window.take(now: .zero)?.compacted().numbers == [1000, 1100])
        #expect(window.bounds?.start.milliseconds == 1000)
    }

    @Test func `when nothing of what was begun passes the filter, other records follow`() {
        var window = BatchWindow(limits, now: .zero, resumeEnd: 5)

        window.add(reading([], upTo: 7))
        window.add(reading([8, 9, 10], upTo: 10))

        #expect(window.take(now: .zero)?.compacted().numbers == [8, 9, 10])
    }
}
