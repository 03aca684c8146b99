import Delivery
import StreamCore
import Synchronization

/// What the lanes of a shard have before them: each has its own batches to gather, and one of them in hand.
final class LaneBoard: Sendable {
    /// How far the lanes may run ahead of the lowest unfinished record: the rest waits in the log.
    struct Bounds {
        let records: Int
        /// Keys and payloads that wait or are in hand.
        static let bytes = 24 << 20

        init(_ limits: BatchLimits, laneCount: Int) {
            records = max(10_000, 2 * limits.records * laneCount)
        }
    }

    private struct State {
        var windows: [BatchWindow]
        var bytes = 0
        var recordCount = 0
        var isTipReached = true
        var end: ShardConsumer.End?
    }

    /// Woken when a batch is done.
    let room = WakeSignal()
    private let limits: BatchLimits
    private let bounds: Bounds
    private let dealer: LaneDealer
    private let ledger: ShardLedger
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    private let wakes: [WakeSignal]
    private let state: Mutex<State>

    init(_ limits: BatchLimits, laneCount: Int, ledger: ShardLedger, clock: any Clock<Duration>) {
        self.limits = limits
        self.ledger = ledger
        self.clock = clock
        bounds = Bounds(limits, laneCount: laneCount)
        dealer = LaneDealer(count: laneCount)
        let stopwatch = Stopwatch(clock: clock)
        self.stopwatch = stopwatch
        wakes = (0..<laneCount).map { _ in WakeSignal() }
        let windows = (0..<laneCount).map { lane in
            BatchWindow(
                limits,
                now: stopwatch.elapsed,
                resumeEnd: ledger.retries(of: lane).map(\.last).max()
            )
        }
        state = Mutex(State(windows: windows))
    }

    /// Nothing waits, and no batch is in hand.
    var isEmpty: Bool { state.withLock { $0.recordCount == 0 } }
    var isTipReached: Bool { state.withLock(\.isTipReached) }
    var hasRoom: Bool { ledger.aheadCount < bounds.records && state.withLock { $0.bytes < Bounds.bytes } }
    var readRecords: Int { max(1000, min(limits.records * dealer.count, 10_000)) }
    /// How the stretch ends, once it is closed.
    var end: ShardConsumer.End? { state.withLock(\.end) }

    func deal(_ reading: ShardReading) {
        let lanes = ledger.deal(reading, by: dealer)
        let now = stopwatch.elapsed
        state.withLock { state in
            state.isTipReached = reading.isTipReached
            for (lane, records) in lanes.enumerated() {
                // A window that was over without a record opens anew.
                if state.windows[lane].isEmpty { _ = state.windows[lane].take(now: now) }
                var share = reading
                share.batch = records.compacted()
                state.windows[lane].add(share)
                state.bytes += share.batch.bytes.count
                state.recordCount += records.count
            }
        }
        wakeAll()
    }

    /// Nothing more is dealt out; the lanes end when they have done what they have.
    func close(_ end: ShardConsumer.End) {
        let now = stopwatch.elapsed
        state.withLock { state in
            state.end = end
            for lane in state.windows.indices { state.windows[lane].flush(now: now) }
        }
        wakeAll()
    }

    func flush() {
        let now = stopwatch.elapsed
        state.withLock { state in
            for lane in state.windows.indices { state.windows[lane].flush(now: now) }
        }
        wakeAll()
    }

    func wakeAll() {
        for wake in wakes { wake.wake() }
        room.wake()
    }

    /// The next batch of a lane, once it is to be sent; `nil` at the end or when draining was requested.
    func next(of lane: Int) async throws -> RecordSelection? {
        while !ledger.drain.isRequested {
            let now = stopwatch.elapsed
            let (batch, isOver, wait) = state.withLock { state in
                (
                    state.windows[lane].take(now: now),
                    state.end != nil && state.windows[lane].isEmpty,
                    state.windows[lane].takeWait(now: now, longest: ShardConsumer.longestWait)
                )
            }
            if let batch { return batch }
            if isOver { return nil }
            await wakes[lane].wait(upTo: wait, on: clock)
            try Task.checkCancellation()
        }
        return nil
    }

    func noteDone(_ batch: RecordSelection, in lane: Int) {
        let bytes = batch.dataBytes
        state.withLock { state in
            state.bytes -= bytes
            state.recordCount -= batch.count
            state.windows[lane].reopen(now: stopwatch.elapsed)
        }
        room.wake()
    }
}
