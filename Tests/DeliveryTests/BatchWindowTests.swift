import Delivery
import StreamCore
import TestSupport
import Testing

struct BatchWindowTests {
    private let tip: Int64 = 0

    private func makeWindow(
        records: Int = 10,
        seconds: Int = 0,
        eventBytes: Int = BatchLimits.lambdaEventBytes
    ) -> BatchWindow {
        BatchWindow(
            BatchLimits(records: records, window: .seconds(seconds), eventBytes: eventBytes),
            now: .zero
        )
    }

    private func read(
        _ numbers: ClosedRange<UInt64>?,
        behind: Int64 = 0,
        isEnd: Bool = false,
        payloadBytes: Int = 10
    ) -> ReadResult {
        ReadResult(
            batch: .numbered(numbers.map(Array.init) ?? [], payloadBytes: payloadBytes),
            millisBehindLatest: behind,
            isEnd: isEnd
        )
    }

    // MARK: Count

    @Test func `nothing is taken from an empty window`() {
        var window = makeWindow()

        #expect(window.take(now: .seconds(5)) == nil)
        #expect(window.isEmpty)
        #expect(!window.isFinished)
    }

    @Test func `without a window what is there is sent at once`() {
        var window = makeWindow()

        window.add(read(1...3))

        #expect(window.take(now: .zero)?.numbers == [1, 2, 3])
        #expect(window.isEmpty)
    }

    @Test func `small batches are cut from a large read, in order`() {
        var window = makeWindow(records: 4)
        window.add(read(1...10))

        var batches: [[UInt64]] = []
        while let batch = window.take(now: .zero) {
            batches.append(batch.numbers)
            window.reopen(now: .zero)
        }

        #expect(batches == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]])
    }

    @Test func `while the log has more a batch is filled before it is sent`() {
        var window = makeWindow(records: 10)
        window.add(read(1...6, behind: 500))

        #expect(window.take(now: .zero) == nil)
        #expect(window.readWait(now: .zero, longest: .seconds(10)) == .zero)
        window.add(read(7...12, behind: 400))

        #expect(window.take(now: .zero)?.numbers == Array(1...10))
        window.reopen(now: .zero)
        #expect(window.take(now: .zero) == nil)
    }

    @Test func `a read that finds nothing shows that the tip is reached`() {
        var window = makeWindow(records: 10)
        window.add(read(1...6, behind: 500))

        window.add(read(nil, behind: 500))

        #expect(window.take(now: .zero)?.numbers == Array(1...6))
    }

    @Test func `the rest of one read and the next are joined into one batch`() {
        var window = makeWindow(records: 4)
        window.add(read(1...6, behind: 10))
        #expect(window.take(now: .zero)?.numbers == [1, 2, 3, 4])
        window.reopen(now: .zero)

        window.add(read(7...9))

        let batch = window.take(now: .zero)
        #expect(batch?.numbers == [5, 6, 7, 8])
        #expect(batch?.compacted().payload(at: 3) == [UInt8](repeating: 8, count: 10))
        #expect(batch?.compacted().partitionKey(at: 2) == "key-7")
        window.reopen(now: .zero)
        #expect(window.take(now: .zero)?.numbers == [9])
    }

    @Test func `many small reads become one batch`() {
        var window = makeWindow(records: 100, seconds: 60)

        for number in UInt64(1)...100 {
            #expect(window.take(now: .zero) == nil)
            window.add(read(number...number))
        }

        let batch = window.take(now: .zero)
        #expect(batch?.numbers == Array(1...100))
        #expect(batch?.compacted().partitionKey(at: 57) == "key-58")
    }

    // MARK: Bytes

    @Test func `a batch ends before the record that would pass its most event bytes`() {
        let recordBytes = BatchLimits.eventBytes(of: RecordBatch.numbered([1]).entries[0])
        var window = makeWindow(records: 100, eventBytes: 3 * recordBytes)

        window.add(read(1...7, behind: 100))

        #expect(window.take(now: .zero)?.numbers == [1, 2, 3])
        #expect(window.take(now: .zero)?.numbers == [4, 5, 6])
        // One record is left, and two more may join it.
        #expect(window.take(now: .zero) == nil)
    }

    @Test func `six megabytes are counted as the event has them, in base64`() {
        var window = makeWindow(records: 100)

        window.add(read(1...6, payloadBytes: 1 << 20))

        // Four payloads of 1 MiB take 5.3 MiB in base64, five take 6.7.
        #expect(window.take(now: .zero)?.numbers == [1, 2, 3, 4])
        #expect(window.take(now: .zero)?.numbers == [5, 6])
    }

    @Test func `a record that is too large for any batch travels alone`() {
        var window = makeWindow(records: 100, eventBytes: 2_000)
        window.add(read(1...1, behind: 1))
        window.add(read(2...2, behind: 1, payloadBytes: 5_000))
        window.add(read(3...3))

        #expect(window.take(now: .zero)?.numbers == [1])
        #expect(window.take(now: .zero)?.numbers == [2])
        #expect(window.take(now: .zero)?.numbers == [3])
    }

    // MARK: Time

    @Test func `a partial batch waits until its window is over`() {
        var window = makeWindow(seconds: 5)
        window.add(read(1...3))

        #expect(window.take(now: .seconds(4.9)) == nil)
        #expect(window.readWait(now: .seconds(4), longest: .seconds(10)) == .seconds(1))
        #expect(window.take(now: .seconds(5))?.numbers == [1, 2, 3])
    }

    @Test func `a full batch does not wait for its window`() {
        var window = makeWindow(records: 3, seconds: 5)

        window.add(read(1...3))

        #expect(window.take(now: .seconds(1))?.numbers == [1, 2, 3])
    }

    @Test func `a window opens again when the batch before it is done`() {
        var window = makeWindow(seconds: 5)
        window.add(read(1...3))
        #expect(window.take(now: .seconds(5)) != nil)

        window.reopen(now: .seconds(20))
        window.add(read(4...5))

        #expect(window.take(now: .seconds(24)) == nil)
        #expect(window.take(now: .seconds(25))?.numbers == [4, 5])
    }

    @Test func `a window that ends without a record opens again`() {
        var window = makeWindow(seconds: 5)
        #expect(window.take(now: .seconds(7)) == nil)

        window.add(read(1...1))

        #expect(window.take(now: .seconds(11)) == nil)
        #expect(window.take(now: .seconds(12))?.numbers == [1])
    }

    @Test(arguments: [
        // With a window a read waits to its end; without one as long as it may.
        (seconds: 0, now: 3, wait: Duration.seconds(10)),
        (seconds: 5, now: 3, wait: .seconds(2)),
        (seconds: 5, now: 5, wait: .milliseconds(1)),
        (seconds: 5, now: 9, wait: .milliseconds(1)),
    ])
    func `a read waits while nothing is gathered`(seconds: Int, now: Int, wait: Duration) {
        let window = makeWindow(seconds: seconds)

        #expect(window.readWait(now: .seconds(now), longest: .seconds(10)) == wait)
    }

    // MARK: The end of the shard

    @Test func `at the shard's end the rest is sent without waiting`() {
        var window = makeWindow(records: 2, seconds: 60)

        window.add(read(1...3, behind: 100, isEnd: true))

        #expect(window.take(now: .zero)?.numbers == [1, 2])
        #expect(!window.isFinished)
        #expect(window.take(now: .zero)?.numbers == [3])
        #expect(window.isFinished)
    }

    @Test func `an empty closed shard is finished by its first read`() {
        var window = makeWindow()

        window.add(read(nil, isEnd: true))

        #expect(window.take(now: .zero) == nil)
        #expect(window.isFinished)
    }

    // MARK: All together

    @Test(arguments: 0..<50)
    func `every record is taken once, in order, within the limits`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let limits = BatchLimits(
            records: Int.random(in: 1...20, using: &random),
            window: .seconds(Int.random(in: 0...3, using: &random)),
            eventBytes: Int.random(in: 500...20_000, using: &random)
        )
        var window = BatchWindow(limits, now: .zero)
        var (now, next, taken) = (Duration.zero, UInt64(1), [UInt64]())

        while !window.isFinished {
            now += .milliseconds(Int.random(in: 0...800, using: &random))
            if let batch = window.take(now: now) {
                #expect(batch.count <= limits.records)
                var eventBytes = 0
                batch.forEach { eventBytes += BatchLimits.eventBytes(of: $0) }
                #expect(eventBytes <= limits.eventBytes || batch.count == 1)
                taken += batch.numbers
                window.reopen(now: now)
            } else if !window.isFinished {
                let count = min(UInt64.random(in: 0...30, using: &random), 301 - next)
                let numbers = next..<next + count
                next += count
                window.add(
                    ReadResult(
                        batch: .numbered(numbers, payloadBytes: Int.random(in: 0...900, using: &random)),
                        millisBehindLatest: Int64.random(in: 0...1, using: &random),
                        isEnd: next == 301
                    )
                )
            }
        }

        #expect(taken == Array(1...300), "seed \(seed)")
    }
}
