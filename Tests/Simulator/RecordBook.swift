import Delivery
import StreamCore

/// Every record of a run and what became of it.
final class RecordBook: @unchecked Sendable {
    enum Outcome { case none, open, failed, done, cutOff }

    struct Record {
        let number: UInt64
        let key: Int
        let arrival: Timestamp
        /// It arrived before a mapping that starts at LATEST was ready: nobody has to process it.
        let isOwed: Bool
        let isPoison: Bool
        var isDelivered = false
        var isDone = false
        var attempts = 0
        var failures = 0
        /// How the last invocation with it ended, and under which lease it was.
        var outcome = Outcome.none
        var tenure: Tenure?
    }

    private struct Final: Hashable {
        let shard: ShardID
        let start: Timestamp
        let sum: UInt64
    }

    private let world: World
    private var records: [UInt64: Record] = [:]
    private var numbers: [ShardID: [UInt64]] = [:]
    private var verified: [ShardID: Int] = [:]
    /// By key.
    private var newestDelivered: [UInt64]
    private var finals: Set<Final> = []
    private var failureIDs: Set<String> = []
    private(set) var count = 0

    init(_ world: World) {
        self.world = world
        newestDelivered = Array(repeating: 0, count: world.scenario.keyCount)
    }

    func noteAppended(_ record: Record, to shard: ShardID) {
        records[record.number] = record
        numbers[shard, default: []].append(record.number)
        count += 1
    }

    func isPoison(_ number: UInt64) -> Bool { records[number]?.isPoison ?? false }

    static func key(_ index: Int) -> String { "key-\(index)" }

    private var filters: Bool { !world.scenario.source.filterPatterns.isEmpty }
    private func isFiltered(_ record: Record) -> Bool { filters && record.key == 1 }
}

// MARK: - What functions get

extension RecordBook {
    /// An invocation begins.
    func noteInvocation(of numbers: [UInt64], under tenure: Tenure, of book: LeaseBook) {
        verifyRight(to: numbers, tenure, book)
        var keys: UInt64 = 0
        for number in numbers {
            guard var record = records[number] else {
                world.violate("\(tenure.worker) invoked with \(number), which nobody has written")
                continue
            }
            verify(record, tenure)
            newestDelivered[record.key] = max(newestDelivered[record.key], number)
            record.isDelivered = true
            record.attempts += 1
            record.outcome = .open
            record.tenure = tenure
            records[number] = record
            keys |= 1 << UInt64(record.key)
        }
        if tenure.busyKeys & keys != 0 {
            world.violate(
                "\(tenure.worker) invoked with \(numbers) while records of the same keys were in hand"
            )
        }
        tenure.busyKeys |= keys
    }

    /// - Parameter doneCount: So many are done; `nil` when nobody was there to hear it.
    func noteAnswer(of numbers: [UInt64], doneCount: Int?, under tenure: Tenure) {
        for (index, number) in numbers.enumerated() {
            guard var record = records[number] else { continue }
            tenure.busyKeys &= ~(1 << UInt64(record.key))
            if record.tenure === tenure {
                record.outcome = doneCount.map { index < $0 ? .done : .failed } ?? .cutOff
            }
            if let doneCount, index < doneCount { record.isDone = true }
            records[number] = record
        }
    }

    /// The last invocation of a window has succeeded with this state.
    func noteFinal(of shard: ShardID, _ window: WindowContext) {
        finals.insert(Final(shard: shard, start: window.start, sum: Self.sum(of: window.state)))
    }

    func hasFinal(of shard: ShardID, _ window: WindowProgress) -> Bool {
        finals.contains(Final(shard: shard, start: window.start, sum: Self.sum(of: window.state)))
    }

    /// The state of a window is a number in digits, or `{}` at first.
    static func sum(of state: [UInt8]) -> UInt64 {
        state.reduce(0) { sum, byte in
            byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                ? sum * 10 + UInt64(byte - UInt8(ascii: "0")) : sum
        }
    }

    private func verifyRight(to numbers: [UInt64], _ tenure: Tenure, _ book: LeaseBook) {
        guard let row = book.rows[tenure.shard] else { return }
        if !book.isReady(row) {
            world.violate(
                "\(tenure.worker) invoked with \(numbers) of \(tenure.shard), whose parent is not finished"
            )
        }
        guard let lost = tenure.takenOver else {
            if tenure.isReleased {
                world.violate("\(tenure.worker) invoked with \(numbers) after giving them back")
            }
            return
        }
        // A worker that was stopped cannot know at once; one that was not has to stop before anybody can take over.
        let (worker, failover) = (tenure.worker, world.scenario.failover)
        if let pause = worker.lastPause, world.now - pause <= failover { return }
        if tenure.isForced, world.now - lost <= failover { return }
        if let handOff = tenure.handOff, lost - handOff >= world.scenario.handOffLimit,
            world.now - lost <= failover
        {
            return
        }
        world.violate("\(worker) invoked with \(numbers) of \(tenure.shard), which another had taken over")
    }

    private func verify(_ record: Record, _ tenure: Tenure) {
        if isFiltered(record), !world.scenario.changesFilter {
            world.violate("\(record.number) was delivered and does not pass the filter")
        }
        guard record.isDelivered else {
            if record.number < newestDelivered[record.key] {
                world.violate(
                    "\(record.number) was first delivered after \(newestDelivered[record.key]) of the same key"
                )
            }
            return
        }
        if record.failures > 0, tenure.takenOver == nil {
            world.violate("\(record.number) was delivered after it had been given up")
        }
        switch record.outcome {
        case .none, .failed: return
        case .open, .done, .cutOff:
            guard let before = record.tenure else { return }
            let interrupted = [before, tenure].filter(\.wasInterrupted)
            if before === tenure || !interrupted.contains(where: { $0.excuse != nil }) {
                world.violate(
                    "\(record.number) was delivered again by \(tenure.worker) without a cause; \(before.worker) had it"
                )
            }
        }
    }
}

// MARK: - What the store knows

extension RecordBook {
    /// Failures name their records in what they keep of the event.
    static func encode(_ records: RecordSelection) -> [UInt8] {
        var bytes: [UInt8] = []
        records.forEach { entry in withUnsafeBytes(of: entry.sequenceNumber.low) { bytes += $0 } }
        return bytes
    }

    func noteGivenUp(_ failure: BatchFailure) {
        // A commit whose answer was lost is repeated.
        guard failureIDs.insert(failure.id).inserted else { return }
        failure.event.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count, by: 8) {
                let number = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                records[number]?.failures += 1
                if let count = records[number]?.failures, count > 1 {
                    world.violate("\(number) was given up \(count) times")
                }
            }
        }
    }

    /// Nothing may be behind the checkpoint that did not reach its end.
    func verifyDone(_ shard: ShardID, upTo checkpoint: Checkpoint) {
        guard let numbers = numbers[shard] else { return }
        var index = verified[shard] ?? 0
        while index < numbers.count, .at(SequenceNumber(integerLiteral: numbers[index])) <= checkpoint {
            verifyEnded(numbers[index], "the checkpoint of \(shard)")
            index += 1
        }
        verified[shard] = index
    }

    func verifyDone(_ shard: ShardID, by lanes: LaneProgress) {
        guard let numbers = numbers[shard] else { return }
        let dealer = LaneDealer(count: lanes.count)
        for number in numbers.dropFirst(verified[shard] ?? 0) {
            guard let record = records[number] else { continue }
            let lane = dealer.lane(of: Self.key(record.key).utf8)
            if let done = lanes.done[lane], SequenceNumber(integerLiteral: number) <= done {
                verifyEnded(number, "lane \(lane) of \(shard)")
            }
        }
    }

    private func verifyEnded(_ number: UInt64, _ what: String) {
        guard let record = records[number], record.isOwed, !isFiltered(record) else { return }
        if !record.isDone, record.failures == 0 {
            world.violate("\(what) has passed \(number), which is not done")
        }
    }
}

// MARK: - At the end

extension RecordBook {
    /// A record that somebody still has to process.
    func unfinished(_ book: LeaseBook) -> UInt64? {
        for (shard, numbers) in numbers {
            let checkpoint = book.rows[shard]?.checkpoint ?? .start(.trimHorizon)
            // Most recent last: the first that is not done says it all.
            for number in numbers.dropFirst(verified[shard] ?? 0)
            where records[number]?.isOwed == true && .at(SequenceNumber(integerLiteral: number)) > checkpoint
            {
                return number
            }
        }
        return nil
    }

    func verifyEnd(_ book: LeaseBook) {
        for (shard, numbers) in numbers {
            for number in numbers {
                verifyEnded(number, "the end of the run")
                verifyAttempts(number, book.rows[shard]?.interruptions ?? 0)
            }
            guard world.scenario.source.tumblingWindowSeconds > 0, let row = book.rows[shard] else {
                continue
            }
            let expected = numbers.compactMap { records[$0] }.filter { record in
                record.isDelivered && record.failures == 0 && !isFiltered(record)
            }.reduce(0) { $0 + $1.number }
            let total = row.windowTotal + (row.progress.window.map { Self.sum(of: $0.state) } ?? 0)
            if total != expected {
                world.violate("the windows of \(shard) amount to \(total), its records to \(expected)")
            }
        }
    }

    /// What an interruption may repeat is one invocation.
    private func verifyAttempts(_ number: UInt64, _ interruptions: Int) {
        let source = world.scenario.source
        guard let record = records[number], let retries = source.maximumRetryAttempts else { return }
        // What is left behind the records that are done is a batch of its own with all attempts before it, and may be
        // only one record smaller. A half is one as well, and its attempts go on.
        let attempts =
            source.reportsBatchItemFailures
            ? (retries + 1) * source.batchSize
            : retries + 1 + (source.bisectsOnError ? Self.halvings(source.batchSize) : 0)
        let limit = attempts + interruptions
        if record.attempts > limit {
            world.violate("\(number) was delivered \(record.attempts) times, of \(limit) that it may be")
        }
    }

    private static func halvings(_ count: Int) -> Int { count > 1 ? 1 + halvings((count + 1) / 2) : 0 }
}
