import StreamCore
import Synchronization
import TestSupport

/// One random run of several workers on one store and one stream: pauses, crashes, unreachable stores,
/// drains, slow and failing functions, splits.
///
/// The seed fixes what happens to the workers; how their tasks interleave is left to the machine.
final class Simulation: Sendable {
    private struct Written: Sendable {
        let number: SequenceNumber
        let shard: ShardID
        let key: String
    }

    private struct Progress {
        var written: [Written] = []
        /// Each record, when it was first handed to a function.
        var firstDelivered: [Written] = []
        var delivered: Set<SequenceNumber> = []
        var succeeded: Set<SequenceNumber> = []
        var random: SeededRandom
        /// Functions fail and dawdle, until the end of the run.
        var isRough = true
    }

    private struct Member {
        let worker: FleetWorker
        var isPaused = false
        var isDraining = false
    }

    private let clock = TestClock()
    private let log: MemoryLog
    private let memory = MemoryLeaseStore()
    private let progress: Mutex<Progress>

    init(seed: UInt64) {
        progress = Mutex(Progress(random: SeededRandom(seed: seed)))
        log = MemoryLog(shardCount: Int(seed % 3) + 1, clock: clock)
    }

    /// - Returns: What must never happen and did.
    func run() async throws -> [String] {
        let store = AuditedLeaseStore(memory) { [self] in isDone($0, upTo: $1) }
        var members: [Member] = []
        var startedCount = 0
        func startWorker() {
            startedCount += 1
            members.append(Member(worker: makeWorker(WorkerID(unchecked: "worker-\(startedCount)"), store)))
        }
        for _ in 0..<3 { startWorker() }

        for _ in 0..<100 {
            let (action, index) = (random(0...19), random(0...members.count - 1))
            switch action {
            case 0: members[index].isPaused = true
            case 1...2: members[index].isPaused = false
            case 3: members[index].worker.store.fail { _ in true }
            case 4...5: members[index].worker.store.fail { _ in false }
            case 6:
                await members.remove(at: index).worker.kill()
                startWorker()
            case 7 where !members[index].isDraining:
                members[index].worker.drain.request()
                members[index].isDraining = true
                startWorker()
            case 8: try splitSomeShard()
            case 9...13: try appendSome()
            default: await pass(.milliseconds(random(100...4000)), members)
            }
            let member = members[min(index, members.count - 1)]
            if member.isPaused { member.worker.store.gate.close() } else { member.worker.store.gate.open() }
        }
        let isFinished = try await calmDown(members)
        for member in members { await member.worker.kill() }
        return store.violations + disorder()
            + (isFinished ? [] : ["not everything was processed: \(await remains())"])
    }

    /// Lets the workers work undisturbed until everything is done.
    private func calmDown(_ members: [Member]) async throws -> Bool {
        progress.withLock { $0.isRough = false }
        var members = members
        for index in members.indices {
            members[index].isPaused = false
            members[index].worker.store.fail { _ in false }
            members[index].worker.store.gate.open()
        }
        for _ in 0..<1000 {
            if await remains().isEmpty { return true }
            await pass(.milliseconds(500), members)
        }
        return false
    }

    private func pass(_ time: Duration, _ members: [Member]) async {
        // Those that work sleep in two places, a paused one where it watches its leases.
        let asleep = members.reduce(0) { $0 + ($1.isDraining ? 0 : $1.isPaused ? 1 : 2) }
        await clock.waitForSleepers(asleep)
        for _ in 0..<20 { await Task.yield() }
        clock.advance(by: time)
        for _ in 0..<20 { await Task.yield() }
    }

    private func random(_ range: ClosedRange<Int>) -> Int {
        progress.withLock { Int.random(in: range, using: &$0.random) }
    }
}

// MARK: - The stream

extension Simulation {
    private func appendSome() throws {
        for _ in 0..<random(1...8) {
            let key = random(0...7)
            let shard = try leaf(of: ShardID(number: random(0...2) % rootCount), for: key)
            let text = "key-\(key)"
            try progress.withLock { progress in
                let number = try log.append(key: text, to: shard)
                progress.written.append(Written(number: number, shard: shard, key: text))
            }
        }
    }

    private var rootCount: Int { log.currentShards.count { $0.parents.isEmpty } }

    /// The open shard that takes this key's records now, starting from one that may have been split.
    private func leaf(of shard: ShardID, for key: Int) throws -> ShardID {
        let children = log.currentShards.filter { $0.parent == shard }.map(\.id)
        return children.isEmpty ? shard : try leaf(of: children[key % children.count], for: key)
    }

    private func splitSomeShard() throws {
        let open = log.currentShards.filter(\.isOpen)
        guard open.count < 5 else { return }
        try log.split(open[random(0...open.count - 1)].id)
    }
}

// MARK: - The functions

extension Simulation {
    private func makeWorker(_ id: WorkerID, _ store: AuditedLeaseStore) -> FleetWorker {
        let connection = FaultyLeaseStore(store)
        return FleetWorker(
            id,
            source: EventSource(stream: log.name, startingPosition: .trimHorizon, batchSize: 5),
            log: log,
            store: connection,
            clock: clock,
            handler: ClosureHandler { [self] invocation in
                // A paused worker's functions stand still too.
                await connection.gate.pass()
                return await answer(invocation)
            }
        )
    }

    private func answer(_ invocation: ClosureHandler.Invocation) async -> InvocationOutcome {
        let (choice, delay) = progress.withLock { progress in
            for (number, key) in zip(invocation.numbers, invocation.keys)
            where progress.delivered.insert(number).inserted {
                progress.firstDelivered.append(Written(number: number, shard: invocation.shard, key: key))
            }
            let isRough = progress.isRough
            return (
                isRough ? Int.random(in: 0...9, using: &progress.random) : 9,
                Int.random(in: 0...(isRough ? 6000 : 0), using: &progress.random)
            )
        }
        // One in ten does not heed its cancellation and answers all the same.
        if choice < 5 { try? await clock.sleep(for: .milliseconds(delay)) }
        if choice < 4, Task.isCancelled { return .failed(.timedOut(after: .seconds(3))) }

        if choice == 0 { return .failed(.functionError(type: "Error", message: "simulated")) }
        let doneCount = choice == 1 ? invocation.numbers.count / 2 : invocation.numbers.count
        progress.withLock { $0.succeeded.formUnion(invocation.numbers.prefix(doneCount)) }
        return doneCount < invocation.numbers.count
            ? .succeededBefore(invocation.numbers[doneCount]) : .succeeded
    }
}

// MARK: - What must be true

extension Simulation {
    private func isDone(_ shard: ShardID, upTo checkpoint: Checkpoint) -> Bool {
        progress.withLock { progress in
            progress.written.allSatisfy { record in
                record.shard != shard || .at(record.number) > checkpoint
                    || progress.succeeded.contains(record.number)
            }
        }
    }

    /// What is left to do: records behind no checkpoint, and shards that are not finished.
    private func remains() async -> [String] {
        let rows = (try? await memory.leases(of: .flights)) ?? []
        let checkpoints = Dictionary(uniqueKeysWithValues: rows.map { ($0.key.shard, $0.checkpoint) })
        let records = progress.withLock(\.written).filter { record in
            (checkpoints[record.shard] ?? .start(.trimHorizon)) < .at(record.number)
        }
        let shards = log.currentShards.filter { !$0.isOpen && checkpoints[$0.id] != .shardEnd }
        return records.map { "\($0.shard) \($0.number)" } + shards.map { "the end of \($0.id)" }
    }

    private func disorder() -> [String] {
        let first = progress.withLock(\.firstDelivered)
        return Dictionary(grouping: first) { record in "\(root(of: record.shard)) \(record.key)" }
            .compactMap { key, records in
                let numbers = records.map(\.number)
                return numbers == numbers.sorted() ? nil : "\(key) was first delivered as \(numbers)"
            }
    }

    private func root(of shard: ShardID) -> ShardID {
        log.currentShards.first { $0.id == shard }?.parent.map(root) ?? shard
    }
}
