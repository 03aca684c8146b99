import Delivery
import StreamCore
import TestSupport
import Testing

/// Parts of one aggregated record share its number, as the threes do here.
struct WholeRecordTests {
    private let batch = RecordBatch.numbered([1, 2, 3, 3, 3, 3, 4, 5])

    @Test func `a batch ends before an aggregate that does not fit`() {
        var window = BatchWindow(BatchLimits(records: 4, window: .zero), now: .zero)
        window.add(ReadResult(batch: batch, millisBehindLatest: 0, isEnd: false))

        var batches: [[UInt64]] = []
        while let batch = window.take(now: .zero) { batches.append(batch.numbers) }

        #expect(batches == [[1, 2], [3, 3, 3, 3], [4, 5]])
    }

    @Test func `an aggregate larger than a batch is a batch of its own`() {
        var window = BatchWindow(BatchLimits(records: 2, window: .seconds(60)), now: .zero)
        let aggregate = RecordBatch.numbered([3, 3, 3])
        window.add(ReadResult(batch: aggregate, millisBehindLatest: 0, isEnd: false))

        #expect(window.take(now: .zero)?.numbers == [3, 3, 3])
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 2), (4, 2), (5, 2), (6, 6), (7, 7)])
    func `a cut goes around an aggregate`(place: Int, whole: Int) {
        #expect(batch.all.wholePlace(near: place) == whole)
    }

    @Test func `a batch that begins with an aggregate is cut behind it`() {
        #expect(RecordBatch.numbered([3, 3, 3, 4]).all.wholePlace(near: 1) == 3)
        #expect(RecordBatch.numbered([3, 3]).all.isOneRecord)
    }

    @Test func `splitting a batch leaves aggregates whole`() {
        var split = BatchSplit(batch.all)

        split.splitFirst(at: 4)
        #expect(split.first?.records.numbers == [1, 2])
        split.finishFirst()
        #expect(split.first?.records.numbers == [3, 3, 3, 3, 4, 5])
    }

    @Test func `a shard is behind an aggregate until all lanes have done their parts`() {
        var watermark = LaneWatermark(done: [nil, nil])
        for (entry, lane) in zip(RecordBatch.numbered([1, 2, 2, 2]).entries, [0, 0, 1, 0]) {
            watermark.deal(entry, to: lane)
        }
        watermark.noteRead(upTo: 2)

        watermark.finish(upTo: 2, in: 0)
        #expect(watermark.reached == 1)

        watermark.finish(upTo: 2, in: 1)
        #expect(watermark.reached == 2)
    }
}
