import Coordination
import Delivery
import Logging
import StreamCore
import Synchronization
import TestSupport

/// One shard under random options: functions fail in every way, the worker crashes before and after the store took a
/// commit or is drained, and another one goes on from what is stored, with another number of lanes or another filter.
///
/// The seed fixes options, failures and crashes; how tasks interleave is left to the machine.
final class ShardSimulation: Sendable {
    struct Crash: Error {}

    private struct State {
        var random: SeededRandom
        var isRough = true
        var checkpoint = Checkpoint.start(.trimHorizon)
        var progress = ShardProgress.none
        var failures: [BatchFailure] = []
        var delivered: [(number: UInt64, key: String)] = []
        var seen: Set<UInt64> = []
        var attempts: [UInt64: Int] = [:]
        var succeeded: Set<UInt64> = []
        /// Per final invocation the window and the sum of its state.
        var finals: [(start: Int64, sum: UInt64)] = []
        var crashes = 0
        var trace: [String] = []
    }

    private let source: EventSource
    /// Lives differ in whether the filter is on: no life's records are held against another's filter.
    private let changesFilter: Bool
    private let written: [(number: UInt64, key: String, arrival: Timestamp)]
    private let poison: Set<UInt64>
    private let clock = TestClock()
    private let log: MemoryLog
    private let state: Mutex<State>

    init(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let hasWindow = chance(30)
        source = EventSource(
            stream: "flights",
            startingPosition: .trimHorizon,
            batchSize: Int.random(in: 1...12, using: &random),
            batchWindowSeconds: chance(30) ? 2 : 0,
            parallelizationFactor: hasWindow || chance(40) ? 1 : Int.random(in: 2...10, using: &random),
            maximumRetryAttempts: chance(80) ? Int.random(in: 0...3, using: &random) : nil,
            maximumRecordAgeSeconds: chance(20) ? 120 : nil,
            bisectsOnError: chance(50),
            reportsBatchItemFailures: chance(50),
            tumblingWindowSeconds: hasWindow ? 10 : 0,
            filterPatterns: chance(30) ? [#"{"partitionKey":[{"anything-but":["key-1"]}]}"#] : []
        )
        changesFilter = !source.filterPatterns.isEmpty && chance(50)
        log = MemoryLog(clock: clock)
        var written: [(UInt64, String, Timestamp)] = []
        var poison: Set<UInt64> = []
        for _ in 0..<Int.random(in: 5...40, using: &random) {
            let key = "key-\(Int.random(in: 0...5, using: &random))"
            let number = try log.append(key: key, to: ShardID(number: 0)).low
            written.append((number, key, log.now))
            if source.maximumRetryAttempts != nil, chance(8) { poison.insert(number) }
            if chance(20) { clock.advance(by: .seconds(3)) }
        }
        try log.close(ShardID(number: 0))
        self.written = written
        self.poison = poison
        state = Mutex(State(random: random))
    }

    /// - Returns: What must never happen and did.
    func run() async throws -> [String] {
        // After so many lives the worker is left alone.
        for life in 0..<60 {
            if life > 40 { state.withLock { $0.isRough = false } }
            if state.withLock(\.checkpoint) == .shardEnd { break }
            await live()
        }
        return violations
    }

    /// One worker from its claim to its crash, or to the end of the shard.
    private func live() async {
        let (start, progress) = state.withLock { ($0.checkpoint, $0.progress) }
        let source = nextSource()
        let drain = DrainSignal()
        var ticksToDrain = state.withLock { state in
            state.isRough && Int.random(in: 0..<3, using: &state.random) == 0
                ? Int.random(in: 1...60, using: &state.random) : Int.max
        }
        let claim = ShardClaim(
            shard: ShardID(number: 0),
            start: start,
            progress: progress,
            drain: drain
        ) { [self] in try commit($0) }
        let isOver = DrainSignal()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                defer { isOver.request() }
                try? await makeWorker(claim, source).run(until: DrainSignal())
            }
            while !isOver.isRequested {
                clock.advance(by: .seconds(1))
                ticksToDrain -= 1
                if ticksToDrain == 0 { drain.request() }
                await Task.yield()
            }
        }
    }

    /// The options of the next life.
    private func nextSource() -> EventSource {
        var next = source
        state.withLock { state in
            if source.parallelizationFactor > 1, Int.random(in: 0..<3, using: &state.random) == 0 {
                next.parallelizationFactor = Int.random(in: 1...10, using: &state.random)
            }
            if changesFilter, Bool.random(using: &state.random) { next.filterPatterns = [] }
            state.trace.append("life with \(next.summary)")
        }
        return next
    }

    private func makeWorker(_ claim: ShardClaim, _ source: EventSource) throws -> Worker {
        try Worker(
            mapping: EventSourceMapping(id: .flights, function: "f", source: source),
            ownership: OneClaim(claim: claim),
            source: log,
            transport: SimulatedFunction { [self] in answer($0) },
            names: ResourceNames(),
            statuses: ShardStatuses(),
            clock: clock,
            now: { [log] in log.now },
            encodeEvent: { Array("\($0.records.numbers)".utf8) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func commit(_ commit: ShardCommit) throws {
        try state.withLock { state in
            state.trace.append("\(commit)")
            let fate = state.isRough ? Int.random(in: 0..<24, using: &state.random) : 9
            if fate == 0 {
                state.crashes += 1
                throw Crash()
            }
            if let checkpoint = commit.checkpoint { state.checkpoint = max(state.checkpoint, checkpoint) }
            if case .set(let progress) = commit.progress { state.progress = progress }
            state.failures += commit.failures
            if fate == 1 {
                state.crashes += 1
                throw Crash()
            }
        }
    }
}

/// Claims one shard.
struct OneClaim: ShardOwnership {
    let claim: ShardClaim

    func run(
        until drain: DrainSignal,
        _ process: @escaping @Sendable (ShardClaim) async throws -> Void
    ) async throws { try await process(claim) }
}

private struct SimulatedFunction: HandlerTransport {
    let answer: @Sendable (Invocation) -> InvocationOutcome

    func invoke(_ invocation: Invocation) async -> InvocationResult {
        await Task.yield()
        return InvocationResult(answer(invocation))
    }
}

// MARK: - The function

extension ShardSimulation {
    private func answer(_ invocation: Invocation) -> InvocationOutcome {
        let batch = invocation.records.compacted()
        let numbers = batch.numbers
        return state.withLock { state in
            state.trace.append("invoke \(numbers)")
            for (index, number) in numbers.enumerated() {
                if state.seen.insert(number).inserted {
                    state.delivered.append((number, batch.partitionKey(at: index)))
                }
            }
            let chance = state.isRough ? Int.random(in: 0..<20, using: &state.random) : 19
            if chance == 0 { return .notInvoked(HandlerUnavailable(reason: "simulated")) }
            for number in numbers { state.attempts[number, default: 0] += 1 }
            if chance == 1, source.maximumRetryAttempts == nil || numbers.isEmpty {
                return .failed(.timedOut(after: .seconds(3)))
            }
            var doneCount = numbers.count
            if let place = numbers.firstIndex(where: poison.contains) {
                guard source.reportsBatchItemFailures else {
                    return .failed(.functionError(type: "Error", message: "poison"))
                }
                doneCount = place
            }
            let items =
                doneCount < numbers.count ? #"{"itemIdentifier":"\#(numbers[doneCount])"}"# : ""
            state.succeeded.formUnion(numbers.prefix(doneCount))
            guard let window = invocation.window else {
                let answer = #"{"batchItemFailures":[\#(items)]}"#
                return invocation.wantsAnswer ? .answered(Array(answer.utf8)) : .succeeded
            }
            let before = UInt64(String(decoding: window.state, as: UTF8.self)) ?? 0
            let sum = before + numbers.prefix(doneCount).reduce(0, +)
            if window.isFinal { state.finals.append((window.start.milliseconds, before)) }
            return .answered(Array(#"{"state":\#(sum),"batchItemFailures":[\#(items)]}"#.utf8))
        }
    }
}

// MARK: - What must be true

extension ShardSimulation {
    private var violations: [String] {
        let state = state.withLock { $0 }
        var found: [String] = []
        if state.checkpoint != .shardEnd { found.append("ended at \(state.checkpoint), \(state.progress)") }
        if !state.progress.isNone { found.append("progress is left: \(state.progress)") }
        let isFiltered = { (key: String) in !self.source.filterPatterns.isEmpty && key == "key-1" }
        for record in written {
            let failures = state.failures.count { failure in
                String(decoding: failure.event, as: UTF8.self).dropFirst().dropLast()
                    .split(separator: ", ").contains("\(record.number)")
            }
            let isDone = state.succeeded.contains(record.number)
            if isFiltered(record.key) {
                if changesFilter {
                    if failures > 1 { found.append("filtered \(record.number): failures \(failures)") }
                } else if state.seen.contains(record.number) {
                    found.append("filtered \(record.number) was invoked")
                }
            } else if failures > 1 || (!isDone && failures != 1) {
                found.append("record \(record.number): done \(isDone), failures \(failures)")
                found.append(source.summary)
                found += state.trace
            }
            if let limit = budget(state.crashes), state.attempts[record.number, default: 0] > limit {
                found.append("record \(record.number): \(state.attempts[record.number] ?? 0) of \(limit)")
            }
        }
        for (key, records) in Dictionary(grouping: state.delivered, by: \.key) {
            let numbers = records.map(\.number)
            if numbers != numbers.sorted() { found.append("\(key) was first delivered as \(numbers)") }
        }
        return found + windowViolations(state)
    }

    /// A crash may repeat one invocation.
    private func budget(_ crashes: Int) -> Int? {
        guard let retries = source.maximumRetryAttempts else { return nil }
        // A half is a batch of its own, and so is what is left behind the records that are done: each answer that
        // names a record as failed may leave one record less.
        let wider =
            switch (source.bisectsOnError, source.reportsBatchItemFailures) {
            case (false, false): 0
            case (_, true): source.batchSize
            case (true, false): Self.halvings(source.batchSize)
            }
        return retries + 1 + wider + crashes
    }

    private static func halvings(_ count: Int) -> Int { count > 1 ? 1 + halvings((count + 1) / 2) : 0 }

    private func windowViolations(_ state: State) -> [String] {
        guard source.tumblingWindowSeconds > 0 else { return [] }
        let failed = Set(
            state.failures.flatMap { failure in
                String(decoding: failure.event, as: UTF8.self).dropFirst().dropLast().split(separator: ", ")
                    .compactMap { UInt64($0) }
            }
        )
        let length = Int64(source.tumblingWindowSeconds) * 1000
        var expected: [Int64: UInt64] = [:]
        for record in written where state.succeeded.contains(record.number) && !failed.contains(record.number)
        {
            let start = record.arrival.milliseconds / length * length
            expected[start, default: 0] += record.number
        }
        let emptyFailures = state.failures.contains { $0.records.count == 0 }
        return expected.compactMap { start, sum in
            let last = state.finals.last { $0.start == start }
            if last?.sum == sum || emptyFailures { return nil }
            return "window \(start): \(last?.sum ?? 0), expected \(sum)"
        }
    }
}

extension EventSource {
    fileprivate var summary: String {
        "batch \(batchSize) window \(batchWindowSeconds) lanes \(parallelizationFactor) retries \(maximumRetryAttempts.map { "\($0)" } ?? "-") age \(maximumRecordAgeSeconds ?? -1) bisect \(bisectsOnError) reports \(reportsBatchItemFailures) tumbling \(tumblingWindowSeconds) filters \(filterPatterns.count)"
    }
}
