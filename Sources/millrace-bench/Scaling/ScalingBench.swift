import Foundation

/// Workers that come, go and die under a steady load, for as long as is asked.
struct ScalingBench {
    private static let shards = 64
    private static let workers = 8
    /// KCL's failover time and a third of it, the time between two renewals.
    private static let failover = Duration.seconds(10)
    /// The time between two deliveries of a shard that moves, and the machine's own.
    private static let allowance = Duration.seconds(1)
    private static let pause: UInt32 = 20
    private static let settling: Double = 60

    let workspace: BenchWorkspace
    let minutes: Double

    func measure() throws -> ScalingVerdict {
        let fleet = try ScalingFleet(
            workspace,
            function: .journal,
            options: ["MaximumRetryAttempts": "100"],
            batchSize: 100
        )
        try fleet.host.createStream(shards: Self.shards)
        let load = SteadyLoad(shards: Self.shards)
        for _ in 0..<Self.workers { try fleet.add() }
        sleep(Self.pause)
        load.start(on: fleet.host.port)
        sleep(Self.pause)

        var events: [ScalingEvent] = []
        func note(_ cause: ScalingEvent.Cause, _ pid: Int32) {
            events.append(ScalingEvent(cause: cause, nanoseconds: monotonicNanoseconds(), worker: pid))
        }
        let start = monotonicNanoseconds()
        var round = 0
        while Double(monotonicNanoseconds() - start) / 60e9 < minutes {
            round += 1
            say("round \(round): kill one of \(fleet.pids.count)")
            note(.kill, try fleet.killOne())
            sleep(Self.pause)
            say("round \(round): add two")
            for _ in 0..<2 { note(.add, try fleet.add()) }
            sleep(Self.pause)
            say("round \(round): drain one")
            try fleet.drainOne { note(.drain, $0) }
            sleep(Self.pause)
        }
        let acknowledged = load.stop()
        try waitUntilDelivered(acknowledged, fleet.journal)
        try fleet.stop()
        return ScalingVerdict(
            try Journal(folder: fleet.journal),
            acknowledged: acknowledged,
            events: events,
            limit: Self.failover + Self.failover / 3 + Self.allowance
        )
    }

    /// What is not there after a while is lost.
    private func waitUntilDelivered(_ acknowledged: [Int], _ folder: String) throws {
        let start = monotonicNanoseconds()
        while Double(monotonicNanoseconds() - start) / 1e9 < Self.settling {
            var found: [Int: Set<Int>] = [:]
            for delivery in try Journal(folder: folder).deliveries {
                for token in delivery.records { found[token.key, default: []].insert(token.number) }
            }
            let isComplete = acknowledged.enumerated().allSatisfy { found[$0.offset]?.count == $0.element }
            if isComplete { return }
            sleep(1)
        }
    }
}

extension ScalingVerdict {
    var table: String {
        var lines = [
            "\(records) records: \(lost) lost, \(outOfOrder) out of order, \(repeats) repeated, of these "
                + "\(unexplainedRepeats) that no killed worker had in flight",
            "",
            "| hand-overs at | shards | median ms | worst ms |",
            "|---|---:|---:|---:|",
        ]
        lines += handOvers.map {
            "| \($0.cause) | \($0.count) | \(Int($0.medianMilliseconds)) | \(Int($0.worstMilliseconds)) |"
        }
        lines += ["", "longest that a shard stood still: \(Int(longestStandstillMilliseconds)) ms"]
        return (lines + problems.map { "missed: \($0)" }).joined(separator: "\n")
    }
}
