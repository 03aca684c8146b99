import Delivery
import StreamCore

/// Processes a shard in lanes: records are dealt out by partition key, and each lane delivers its own in order.
///
/// One task reads, one for each lane delivers; records change hands once per read.
struct LanedStretch {
    let consumer: ShardConsumer
    let reader: any ShardReader
    let ledger: ShardLedger
    let laneCount: Int
    /// The last record of the stretch; `nil` for as long as there are any.
    let boundary: SequenceNumber?

    func run(from first: ShardReading?) async throws -> ShardConsumer.End {
        let board = LaneBoard(consumer.limits, laneCount: laneCount, ledger: ledger, clock: consumer.clock)
        let registration = ledger.drain.onRequest { board.wakeAll() }
        defer { ledger.drain.forget(registration) }

        return try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<laneCount {
                let delivery = consumer.makeDelivery(ledger, lane)
                group.addTask { try await deliver(board, delivery, lane) }
            }
            group.addTask { [self] in try await read(from: first, to: board) }
            // One lane that has lost the shard ends the others.
            try await group.waitForAll()
            if ledger.drain.isRequested { return .drained }
            // Other lanes may follow: what these have done beyond the checkpoint would mean nothing to them.
            try await ledger.commitReached()
            return board.end ?? .drained
        }
    }

    private func deliver(_ board: LaneBoard, _ delivery: Delivery, _ lane: Int) async throws {
        while let batch = try await board.next(of: lane) {
            guard try await delivery.deliver(batch) == .done else { return }
            board.noteDone(batch, in: lane)
            consumer.status.update { $0.oldestPending = ledger.oldestUnfinished }
            consumer.status.note(.waitingForRecords, lane: lane)
        }
    }

    private func read(from first: ShardReading?, to board: LaneBoard) async throws {
        let stopwatch = Stopwatch(clock: consumer.clock)
        // Where the reader can wake it, and the lanes are those that the mapping has, an idle shard rests.
        let watchable = boundary == nil ? reader as? any WatchableShardReader : nil
        var pace = PassingPace()
        var wakefulness = Wakefulness(now: stopwatch.elapsed)
        if let first {
            board.deal(first)
            if first.isEnd { return board.close(.shardEnd) }
        }
        while !ledger.drain.isRequested {
            guard board.hasRoom else {
                // What the lanes have is all they get for now: none of them waits for more of a batch.
                board.flush()
                await board.room.wait(upTo: ShardConsumer.longestWait, on: consumer.clock)
                try Task.checkCancellation()
                continue
            }
            var wait = board.isTipReached ? ShardConsumer.longestWait : .zero
            if watchable != nil {
                // While lanes have work, the shard comes back to see whether they still have.
                let left = wakefulness.left(now: stopwatch.elapsed)
                wait = min(wait, board.isEmpty ? left : ShardConsumer.restlessTime)
            }
            let reading = try await consumer.feed.read(
                reader,
                records: board.readRecords,
                bytes: consumer.limits.eventBytes,
                wait: wait,
                hasPending: !board.isEmpty
            )
            guard var reading else { break }
            var rest: ShardReading?
            if let boundary, (reading.readUpTo ?? boundary) > boundary || reading.isEnd {
                rest = reading.removeAll(after: boundary)
            }
            board.deal(reading)
            consumer.status.update { $0.oldestPending = ledger.oldestUnfinished }
            if let rest { return board.close(.reached(rest)) }
            if reading.isEnd { return board.close(.shardEnd) }
            if reading.readCount > 0 { wakefulness.noteRecords(now: stopwatch.elapsed) }
            if let watchable, board.isEmpty, board.isTipReached,
                wakefulness.left(now: stopwatch.elapsed) == .zero
            {
                return board.close(.idle(watchable))
            }
            pace.note(reading.readCount)
            if board.isEmpty, pace.isDue(now: stopwatch.elapsed) { try await ledger.commitReached() }
        }
        if board.isEmpty { try await ledger.commitReached() }
    }
}
