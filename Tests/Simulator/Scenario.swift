import Coordination
import StreamCore
import TestSupport

/// What kind of run it is: drawn from the seed before anything happens.
///
/// Each run has some troubles and not others: with all of them at once most bugs would hide behind another's effects.
struct Scenario {
    struct Troubles: OptionSet {
        let rawValue: Int

        /// Processes that stand still, on a clock that goes on or on one that stands still too.
        static let pauses = Troubles(rawValue: 1 << 0)
        /// Processes that end in the middle, with writes on their way.
        static let crashes = Troubles(rawValue: 1 << 1)
        /// A store that fails before or after it took a write, takes it twice, or answers late.
        static let storeFaults = Troubles(rawValue: 1 << 2)
        /// Reads that fail, find nothing although there is something, or give little.
        static let logFaults = Troubles(rawValue: 1 << 3)
        static let reshards = Troubles(rawValue: 1 << 4)
        /// Clocks of different speeds, wall clocks that are wrong and jump.
        static let clocks = Troubles(rawValue: 1 << 5)
        static let failingFunctions = Troubles(rawValue: 1 << 6)
        static let slowFunctions = Troubles(rawValue: 1 << 7)
        static let drains = Troubles(rawValue: 1 << 8)
        static let joins = Troubles(rawValue: 1 << 9)
        /// An operator who takes leases from whoever has them.
        static let forcedReleases = Troubles(rawValue: 1 << 10)

        /// Without these no record is delivered twice.
        static let repeating: Troubles = [.pauses, .crashes, .storeFaults, .forcedReleases]
    }

    let troubles: Troubles
    let shardCount: Int
    let workerCount: Int
    let stepCount: Int
    let failoverMilliseconds: Int
    /// How long a holder that was asked for a lease may go on.
    let handOffSeconds: Int
    let balancing: LeasePlan.Balancing
    let keyCount: Int
    let source: EventSource
    /// Lives of workers differ in their parallelization factor.
    let changesLanes: Bool
    /// Lives of workers differ in whether they filter.
    let changesFilter: Bool
    /// One in so many records can never be processed; 0 for none.
    let poisonPercent: Int
    /// Idle shards need no task, as the log wakes them.
    let shardsRest: Bool

    init(using random: inout SeededRandom) {
        func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        func chance(_ percent: Int) -> Bool { pick(0...99) < percent }

        var troubles = Troubles(rawValue: pick(0...(1 << 11) - 1))
        // Some runs are kept free of what explains repeats: there must be none.
        if chance(30) { troubles.subtract(.repeating) }
        self.troubles = troubles
        shardCount = pick(1...3)
        workerCount = pick(1...3)
        stepCount = pick(6...18)
        failoverMilliseconds = pick(5...12) * 1000
        handOffSeconds = pick(3...15)
        balancing = chance(50) ? .count : .load
        keyCount = pick(2...6)

        let hasWindow = chance(20)
        let hasLanes = !hasWindow && chance(45)
        let retries = troubles.contains(.failingFunctions) && chance(70) ? pick(0...3) : nil
        source = EventSource(
            stream: "flights",
            startingPosition: chance(20) ? .latest : .trimHorizon,
            batchSize: pick(1...8),
            batchWindowSeconds: chance(25) ? pick(1...2) : 0,
            parallelizationFactor: hasLanes ? pick(2...6) : 1,
            maximumRetryAttempts: retries,
            maximumRecordAgeSeconds: chance(10) ? 60 : nil,
            bisectsOnError: chance(40),
            reportsBatchItemFailures: chance(40),
            tumblingWindowSeconds: hasWindow ? pick(3...10) : 0,
            filterPatterns: chance(12) ? [#"{"partitionKey":[{"anything-but":["key-1"]}]}"#] : []
        )
        changesLanes = !hasWindow && chance(50)
        changesFilter = !source.filterPatterns.isEmpty && !hasWindow && chance(50)
        poisonPercent = retries != nil && chance(60) ? 8 : 0
        shardsRest = chance(70)
    }

    func has(_ trouble: Troubles) -> Bool { !troubles.isDisjoint(with: trouble) }

    var failover: Timeline.Nanoseconds { .milliseconds(failoverMilliseconds) }
    /// A holder that was asked for a lease is left alone at least this long, on the fastest clock.
    var handOffLimit: Timeline.Nanoseconds { .milliseconds(handOffSeconds * 950) }
    /// The longest that a shard may be without a worker once faults have stopped: until its holder counts as dead, on
    /// the slowest clock, and two looks after that.
    var longestIdle: Timeline.Nanoseconds {
        failover + failover / 20 + 2 * failover / 3 + .milliseconds(1500)
    }
    var timing: LeaseTiming {
        LeaseTiming(
            failover: .milliseconds(failoverMilliseconds),
            shardSync: .seconds(15),
            handOff: .seconds(handOffSeconds)
        )
    }
}

extension Scenario: CustomStringConvertible {
    var description: String {
        """
        \(shardCount) shards, \(workerCount) workers, failover time \(failoverMilliseconds / 1000) s, hand-offs \
        within \(handOffSeconds) s, shares by \(balancing.rawValue), from \
        \(source.startingPosition.name); batches of \(source.batchSize) within \(source.batchWindowSeconds) s, \
        \(source.parallelizationFactor) lanes\(changesLanes ? " and other numbers of them" : ""), retries \
        \(source.maximumRetryAttempts.map(String.init) ?? "for ever")\(source.bisectsOnError ? ", bisected" : "")\
        \(source.reportsBatchItemFailures ? ", answers name failed records" : ""), window \
        \(source.tumblingWindowSeconds) s, idle shards \(shardsRest ? "rest" : "wait"), \(source.filterPatterns.count) filters\
        \(changesFilter ? " now and then" : ""), troubles: \(troubles.names.joined(separator: ", "))
        """
    }
}

extension Scenario.Troubles {
    fileprivate var names: [String] {
        let all: [(Scenario.Troubles, String)] = [
            (.pauses, "pauses"), (.crashes, "crashes"), (.storeFaults, "store faults"),
            (.logFaults, "log faults"), (.reshards, "reshards"), (.clocks, "wrong clocks"),
            (.failingFunctions, "failing functions"), (.slowFunctions, "slow functions"),
            (.drains, "drains"), (.joins, "joins"), (.forcedReleases, "forced releases"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
