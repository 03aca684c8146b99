import StreamCore

/// One worker's time with one shard: from the moment in which the store gave it the lease.
final class Tenure: @unchecked Sendable {
    /// That of the shard's consumer in whose task this runs.
    @TaskLocal static var current: Tenure?

    let shard: ShardID
    let counter: UInt64
    let worker: SimulatedWorker
    let began: Timeline.Nanoseconds
    /// The lease was given back.
    var isReleased = false
    /// The store has given the lease to another, or to the same worker anew, without that.
    var takenOver: Timeline.Nanoseconds?
    /// A consumer works under it.
    var isProcessing = false
    /// Processing was cancelled.
    var isCutOff = false
    /// An operator took the lease away.
    var isForced = false
    /// When another worker asked for the lease.
    var handOff: Timeline.Nanoseconds?
    /// Keys whose records are with the function now.
    var busyKeys: UInt64 = 0

    init(of shard: ShardID, counter: UInt64, worker: SimulatedWorker, at began: Timeline.Nanoseconds) {
        self.shard = shard
        self.counter = counter
        self.worker = worker
        self.began = began
    }

    /// It has ended otherwise than by giving back what was finished.
    var wasInterrupted: Bool { isCutOff || takenOver != nil || worker.hasCrashed }

    /// The hand-off has taken too long and was cancelled, and the function does not heed it: only when it is done is the
    /// lease let go.
    var awaitsFunction: Bool {
        isCutOff && isProcessing && isHandOffOverdue && takenOver == nil && !worker.hasCrashed
    }

    /// Its worker goes on with it, although nothing has kept it from seeing in time that it may not: a worker that does
    /// not reach its store has to stop before anybody can take over.
    var trustsItself: Bool {
        guard isProcessing, !isCutOff, !worker.hasCrashed, !isForced, !isHandOffOverdue,
            !worker.isPaused
        else { return false }
        return worker.lastPause.map { worker.world.now - $0 > worker.world.scenario.failover } ?? true
    }

    private var isHandOffOverdue: Bool {
        handOff.map { worker.world.now - $0 >= worker.world.scenario.handOffLimit } ?? false
    }

    /// Why it was interrupted, and so why its last records may come again; `nil` when nothing explains it.
    var excuse: String? {
        if worker.hasCrashed { return "a crash" }
        if isForced { return "an operator" }
        if worker.lastPause.map({ $0 >= began }) ?? false { return "a pause" }
        if worker.lastStoreFault.map({ $0 >= began }) ?? false { return "a store fault" }
        return isHandOffOverdue ? "a hand-off that took too long" : nil
    }
}

/// Lets a worker's consumers know under which lease they process.
struct TracedOwnership: ShardOwnership {
    let base: any ShardOwnership
    let worker: SimulatedWorker

    func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> ShardOutcome
    ) async throws {
        try await base.run(until: drain) { [self] claim in
            guard let tenure = worker.tenures[claim.shard] else {
                worker.world.violate("\(worker) processes \(claim.shard) without a lease")
                return .over
            }
            return try await trace(tenure) { try await process(claim) }
        }
    }

    private func trace(
        _ tenure: Tenure,
        _ process: @escaping @Sendable () async throws -> ShardOutcome
    ) async throws -> ShardOutcome {
        tenure.isProcessing = true
        defer { tenure.isProcessing = false }
        do {
            let outcome = try await withTaskCancellationHandler {
                try await Tenure.$current.withValue(tenure) { try await process() }
            } onCancel: { [worker] in
                worker.noteCutOff(tenure, CancellationError())
            }
            guard case .resting(let shard) = outcome else { return outcome }
            worker.world.tell("\(worker) lets \(tenure.shard) rest")
            return .resting(
                RestingShard(reader: shard.reader) { try await trace(tenure, shard.resume) }
            )
        } catch {
            worker.noteCutOff(tenure, error)
            throw error
        }
    }
}
