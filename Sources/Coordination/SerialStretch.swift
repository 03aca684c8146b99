import Delivery
import StreamCore

/// Processes a shard one batch after the other, in the order of the log.
struct SerialStretch {
    let consumer: ShardConsumer
    let reader: any ShardReader
    let ledger: ShardLedger
    /// The last record of the stretch; `nil` for as long as there are any.
    let boundary: SequenceNumber?
    /// The reader, where it can wake a shard that rests.
    private let watchable: (any WatchableShardReader)?
    private let delivery: Delivery
    private let stopwatch: Stopwatch
    private var window: BatchWindow
    private var pace = PassingPace()
    private var rest: ShardReading?
    private var wakefulness: Wakefulness
    /// A read that began at this time found nothing more.
    private var emptySince: Timestamp?

    init(consumer: ShardConsumer, reader: any ShardReader, ledger: ShardLedger, boundary: SequenceNumber?) {
        self.consumer = consumer
        self.reader = reader
        self.ledger = ledger
        self.boundary = boundary
        watchable = reader as? any WatchableShardReader
        delivery = consumer.makeDelivery(ledger, 0)
        stopwatch = Stopwatch(clock: consumer.clock)
        wakefulness = Wakefulness(now: stopwatch.elapsed)
        window = BatchWindow(
            consumer.limits,
            now: stopwatch.elapsed,
            resumeEnd: ledger.retries(of: 0).map(\.last).filter { .at($0) > ledger.checkpoint }.max(),
            tumbling: consumer.tumbling,
            bounds: ledger.window?.bounds
        )
    }

    mutating func run(from first: ShardReading?) async throws -> ShardConsumer.End {
        if let first { window.add(first) }
        while !ledger.drain.isRequested {
            noteOldestPending()
            if consumer.tumbling != nil, let due = dueWindow {
                guard try await delivery.close(due) == .done else { return .drained }
                window.bounds = nil
            } else if let batch = window.take(now: stopwatch.elapsed) {
                let readUpTo = window.isEmpty ? window.readUpTo : nil
                let end = try await delivery.deliver(batch, readUpTo: readUpTo, bounds: window.bounds)
                guard end == .done else { return .drained }
                window.bounds = consumer.tumbling == nil ? nil : ledger.window?.bounds
                window.reopen(now: stopwatch.elapsed)
            } else if window.isFinished {
                return .shardEnd
            } else if window.isEmpty, let rest {
                try await pass()
                return .reached(rest)
            } else {
                guard try await read() else { break }
                if let resting {
                    try await pass()
                    consumer.status.note(.waitingForRecords)
                    return .idle(resting)
                }
            }
        }
        if window.isEmpty { try await pass() }
        return .drained
    }

    private func noteOldestPending() {
        let oldest = window.firstPending?.arrival
        // Behind the tip there is more to read, about as old as what was done last.
        if oldest != nil || window.isTipReached { consumer.status.update { $0.oldestPending = oldest } }
    }

    /// - Returns: `false` when draining was requested first.
    private mutating func read() async throws -> Bool {
        if rest != nil {
            window.flush(now: stopwatch.elapsed)
            return true
        }
        var wait = window.readWait(now: stopwatch.elapsed, longest: ShardConsumer.longestWait)
        if window.isEmpty, let open = ledger.window {
            let left = open.closing.millisecondsSince(consumer.now())
            wait = max(.zero, min(wait, .milliseconds(left)))
        }
        if isIdle { wait = min(wait, wakefulness.left(now: stopwatch.elapsed)) }
        if wait > .zero {
            consumer.status.note(
                window.isEmpty ? .waitingForRecords : .waitingForWindow(records: window.pendingCount)
            )
        }
        let began = consumer.tumbling == nil ? nil : consumer.now()
        let reading = try await consumer.feed.read(
            reader,
            records: window.readRecords,
            bytes: window.readBytes,
            wait: wait,
            hasPending: !window.isEmpty
        )
        guard var reading else { return false }
        emptySince = reading.readCount == 0 && reading.isTipReached ? began : nil
        if let boundary, (reading.readUpTo ?? boundary) > boundary || reading.isEnd {
            rest = reading.removeAll(after: boundary)
        }
        window.add(reading)
        if reading.readCount > 0 { wakefulness.noteRecords(now: stopwatch.elapsed) }
        pace.note(reading.readCount)
        if window.isEmpty, !reading.isEnd, pace.isDue(now: stopwatch.elapsed) { try await pass() }
        return true
    }

    /// There is nothing to do and nothing to wait for but records.
    private var isIdle: Bool {
        watchable != nil && window.isEmpty && !window.isFinished && rest == nil
            && boundary == nil && ledger.window == nil
    }

    /// What may wake the shard, once it has been idle for long enough.
    private var resting: (any WatchableShardReader)? {
        guard isIdle, window.isTipReached, wakefulness.left(now: stopwatch.elapsed) == .zero else {
            return nil
        }
        return watchable
    }

    /// What was read and does not pass the filter is done with what came before it.
    private func pass() async throws {
        if let number = window.readUpTo { try await ledger.pass(upTo: number) }
    }

    /// The tumbling window in hand, once every record of it is done.
    private var dueWindow: WindowProgress? {
        guard let open = ledger.window else { return nil }
        if open.awaitsFinal || open.endsEarly { return open }
        if let next = window.nextBounds { return next == open.bounds ? nil : open }
        if window.isFinished { return open }
        // Without newer records the clock ends it, when a look at the log after its end has found nothing.
        return window.isEmpty && emptySince.map { $0 >= open.closing } ?? false ? open : nil
    }
}
