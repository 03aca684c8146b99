import CJobs
import CSimulator

/// Every job of Swift's concurrency runtime, run on one thread, one at a time, in an order that the seed chooses.
///
/// `Task.yield` and `Task.sleep` would pass it by: code that runs here sleeps on the clock that it was given.
final class RunQueue: @unchecked Sendable {
    /// Whose job it is: 0 for the world around the workers.
    typealias Owner = UInt8

    private struct Job {
        let job: UnsafeMutableRawPointer
        let owner: Owner
    }

    /// The one that the runtime's hook serves: the process has one thread, which runs everything.
    nonisolated(unsafe) private static var current: RunQueue?

    private(set) var owner: Owner = 0
    /// A fingerprint of the order in which jobs ran, and of what was noted beside them.
    private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var jobCount = 0
    private var random: UInt64
    private var ready: [Job] = []
    private var parked: [Job] = []
    private var isParked = [Bool](repeating: false, count: Int(Owner.max) + 1)
    /// By the number of a task, counted from the first; tasks belong to whoever made them.
    private var owners: [Owner?] = []
    private var firstTask: UInt64?

    /// Takes over every job of this process from now on.
    init(seed: UInt64) {
        random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        ready.reserveCapacity(64)
        owners.reserveCapacity(4096)
        Self.current = self
        receive_jobs(nil) { _, job, task in
            guard let job, let queue = RunQueue.current else { return }
            queue.receive(job, of: task)
        }
        simulator_take_random { RunQueue.current?.next() ?? 0 }
    }

    /// Runs one job.
    ///
    /// - Returns: `false` when there is none to run.
    func runNext() -> Bool {
        guard !ready.isEmpty else { return false }
        let index = ready.count == 1 ? 0 : Int(truncatingIfNeeded: next() >> 33) % ready.count
        let job = ready[index]
        ready.swapAt(index, ready.count - 1)
        ready.removeLast()
        owner = job.owner
        jobCount += 1
        note(UInt64(index) << 8 | UInt64(job.owner))
        run_job(job.job)
        owner = 0
        return true
    }

    /// Starts a task of another owner.
    func start(as new: Owner, _ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        let before = owner
        owner = new
        defer { owner = before }
        return Task(operation: body)
    }

    /// Jobs of this owner stand still.
    func park(_ owner: Owner) {
        isParked[Int(owner)] = true
        parked += ready.filter { $0.owner == owner }
        ready.removeAll { $0.owner == owner }
    }

    func unpark(_ owner: Owner) {
        isParked[Int(owner)] = false
        ready += parked.filter { $0.owner == owner }
        parked.removeAll { $0.owner == owner }
    }

    func note(_ value: UInt64) { trace = (trace ^ value) &* 0x0000_0100_0000_01B3 }

    private func receive(_ job: UnsafeMutableRawPointer, of task: UInt64) {
        let owner = owner(of: task)
        if isParked[Int(owner)] {
            parked.append(Job(job: job, owner: owner))
        } else {
            ready.append(Job(job: job, owner: owner))
        }
    }

    private func owner(of task: UInt64) -> Owner {
        let first = firstTask ?? task
        firstTask = first
        guard task >= first else { return owner }
        let index = Int(task - first)
        while owners.count <= index { owners.append(nil) }
        if let known = owners[index] { return known }
        owners[index] = owner
        return owner
    }

    /// SplitMix64.
    private func next() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
