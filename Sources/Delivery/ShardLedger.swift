package import StreamCore
import Synchronization

/// What one delivery has come to, to be stored before it goes on.
package struct DeliveryStep: Sendable {
    package enum WindowChange: Sendable {
        case keep
        case set(WindowProgress?)
    }

    /// Everything of the lane up to this record is done or given up.
    package var done: SequenceNumber?
    /// What is left of the lane's batch, where it has failed or was split.
    package var retries: [BatchProgress] = []
    package var failures: [BatchFailure] = []
    package var window = WindowChange.keep

    package init(
        done: SequenceNumber? = nil,
        retries: [BatchProgress] = [],
        failures: [BatchFailure] = [],
        window: WindowChange = .keep
    ) {
        self.done = done
        self.retries = retries
        self.failures = failures
        self.window = window
    }
}

/// What of a claimed shard is done and half done, and the only way in which that is stored.
///
/// Lanes commit through it at the same time: their steps are stored in the order in which they were made, several
/// in one commit when the store is slower than they are.
package final class ShardLedger: Sendable {
    fileprivate struct State {
        var checkpoint: Checkpoint
        var watermark: LaneWatermark?
        /// Per lane.
        var retries: [[BatchProgress]]
        var window: WindowProgress?
        var failures: [BatchFailure] = []
        /// What the store has beyond the checkpoint.
        var stored: ShardProgress
        var committed: Checkpoint
        var steps = 0
        var committedSteps = 0
        /// The error of a commit that did not come through.
        var broken: (any Error)?
    }

    private let claim: ShardClaim
    private let state: Mutex<State>
    private let turn = CommitTurn()

    /// - Parameters:
    ///   - checkpoint: How far the shard is.
    ///   - progress: What is stored beyond that, by as many lanes.
    ///   - keepsWindow: The mapping has tumbling windows; without, what is stored of one is dropped.
    package init(
        _ claim: ShardClaim,
        checkpoint: Checkpoint,
        progress: ShardProgress,
        laneCount: Int,
        keepsWindow: Bool
    ) {
        self.claim = claim
        var retries = [[BatchProgress]](repeating: [], count: laneCount)
        for batch in progress.retries where batch.lane < laneCount { retries[batch.lane].append(batch) }
        let done = progress.lanes.flatMap { $0.done.count == laneCount ? $0.done : nil }
        state = Mutex(
            State(
                checkpoint: checkpoint,
                watermark: laneCount > 1
                    ? LaneWatermark(done: done ?? Array(repeating: nil, count: laneCount)) : nil,
                retries: retries,
                window: keepsWindow ? progress.window : nil,
                stored: progress,
                committed: checkpoint
            )
        )
    }

    package var drain: DrainSignal { claim.drain }
    package var checkpoint: Checkpoint { state.withLock(\.committed) }
    package var stored: ShardProgress { state.withLock(\.stored) }
    package var window: WindowProgress? { state.withLock(\.window) }
    package var aheadCount: Int { state.withLock { $0.watermark?.aheadCount ?? 0 } }
    package var oldestUnfinished: Timestamp? { state.withLock { $0.watermark?.oldestUnfinished } }

    package func retries(of lane: Int) -> [BatchProgress] { state.withLock { $0.retries[lane] } }

    /// Deals records out to the lanes.
    ///
    /// - Returns: Per lane the records that it has not done yet.
    package func deal(_ reading: ShardReading, by dealer: LaneDealer) -> [RecordSelection] {
        let batch = reading.batch
        var lanes = dealer.deal(batch)
        return state.withLock { state in
            guard var watermark = state.watermark else { return [batch.all] }
            state.watermark = nil
            var laneOfRecord = [UInt8](repeating: 0, count: batch.count)
            for lane in lanes.indices {
                lanes[lane].removeAll { watermark.isDone(batch.entries[Int($0)].sequenceNumber, in: lane) }
                for index in lanes[lane] { laneOfRecord[Int(index)] = UInt8(lane + 1) }
            }
            for (index, lane) in laneOfRecord.enumerated() where lane > 0 {
                watermark.deal(batch.entries[index], to: Int(lane) - 1)
            }
            if let number = reading.readUpTo { watermark.noteRead(upTo: number) }
            state.watermark = watermark
            return lanes.map { RecordSelection(batch: batch, indices: .list($0)) }
        }
    }

    /// Stores a step, together with whatever other lanes have come to meanwhile.
    ///
    /// - Returns: The shard's checkpoint.
    /// - Throws: `LeaseLost` or `CancellationError` when the shard is another worker's.
    @discardableResult
    package func commit(_ step: DeliveryStep, lane: Int) async throws -> Checkpoint {
        let number = state.withLock { $0.note(step, lane: lane) }
        return try await store(number)
    }

    /// Moves the checkpoint over records that were read and need no function.
    package func pass(upTo number: SequenceNumber) async throws {
        let step = state.withLock { state -> Int? in
            if state.watermark == nil { state.checkpoint = max(state.checkpoint, .at(number)) }
            state.watermark?.noteRead(upTo: number)
            if let reached = state.watermark?.reached {
                state.checkpoint = max(state.checkpoint, .at(reached))
            }
            guard state.checkpoint > state.committed else { return nil }
            state.steps += 1
            return state.steps
        }
        if let step { try await store(step) }
    }

    /// Stores how far the lanes are, where that is news.
    package func commitReached() async throws {
        if let number = state.withLock({ $0.watermark?.reached }) { try await pass(upTo: number) }
    }

    /// The shard is closed and every record of it is done.
    package func end() async throws {
        let number = state.withLock { state in
            state.checkpoint = .shardEnd
            state.window = nil
            state.steps += 1
            return state.steps
        }
        try await store(number)
    }

    @discardableResult
    private func store(_ step: Int) async throws -> Checkpoint {
        let isShared = state.withLock { $0.watermark != nil }
        if isShared { await turn.take() }
        defer { if isShared { turn.pass() } }
        // Another lane may have stored it along with its own.
        let pending = try state.withLock { state in
            // After a commit that did not come through nobody knows what is stored: nothing may follow it.
            if let error = state.broken { throw error }
            return state.committedSteps >= step ? nil : state.makeCommit()
        }
        if let pending {
            do { try await claim.commit(pending.commit) } catch {
                state.withLock { $0.broken = error }
                throw error
            }
            state.withLock { $0.noteCommitted(pending) }
        }
        return checkpoint
    }
}

extension ShardLedger.State {
    fileprivate struct Pending {
        let commit: ShardCommit
        let checkpoint: Checkpoint
        let progress: ShardProgress
        let steps: Int
    }

    fileprivate mutating func note(_ step: DeliveryStep, lane: Int) -> Int {
        if let done = step.done {
            watermark?.finish(upTo: done, in: lane)
            let reached = watermark == nil ? done : watermark?.reached
            if let reached { checkpoint = max(checkpoint, .at(reached)) }
        }
        retries[lane] = step.retries
        failures += step.failures
        if case .set(let new) = step.window { window = new }
        steps += 1
        return steps
    }

    fileprivate func makeCommit() -> Pending {
        let progress = currentProgress
        let commit = ShardCommit(
            checkpoint: checkpoint > committed ? checkpoint : nil,
            progress: progress == stored ? .keep : .set(progress),
            failures: failures
        )
        return Pending(commit: commit, checkpoint: checkpoint, progress: progress, steps: steps)
    }

    fileprivate mutating func noteCommitted(_ pending: Pending) {
        // Others may have been added meanwhile.
        failures.removeFirst(pending.commit.failures.count)
        committed = pending.checkpoint
        stored = pending.progress
        committedSteps = pending.steps
    }

    /// A window's final invocation stands behind the checkpoint: its records are done.
    private func isLeft(_ batch: BatchProgress) -> Bool {
        .at(batch.last) > checkpoint || window?.awaitsFinal == true
    }

    private var currentProgress: ShardProgress {
        guard checkpoint != .shardEnd else { return .none }
        var batches: [BatchProgress] = []
        // Of what an earlier worker had begun some may be done, or filtered now.
        for lane in retries where !lane.isEmpty { batches += lane.filter(isLeft) }
        batches.sort { $0.first < $1.first }
        var lanes = watermark?.progress
        // The lanes of failed batches mean something only together with their number.
        if let watermark, lanes == nil, !batches.isEmpty {
            lanes = LaneProgress(
                count: watermark.laneCount,
                done: Array(repeating: nil, count: watermark.laneCount)
            )
        }
        return ShardProgress(retries: batches, lanes: lanes, window: window)
    }
}
