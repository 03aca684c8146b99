import Foundation

/// What leases cost while nothing happens.
struct RestBench {
    let workspace: BenchWorkspace

    struct Idle: Encodable {
        let shards: Int
        let cpuPercent: Double
        let residentMegabytes: Double
        let problems: [String]
    }

    struct Renewals: Codable {
        let leases: Int
        let renewals: Int
        let medianSeconds: Double?
        /// The longest that a lease went without a renewal.
        let latestSeconds: Double
    }

    private static let idleShards = 10_000
    private static let idleSeconds: UInt32 = 30
    /// Every lease was renewed some times by then, and no longer is anything started.
    private static let settling: UInt32 = 60
    private static let cpuLimit = 5.0
    private static let memoryLimit = 200.0

    private static let renewedShards = 1_000
    private static let renewingWorkers = 4
    private static let renewalSeconds = 60
    /// Half of KCL's failover time.
    static let renewalLimit = 5.0

    /// One host with a function on a stream of 10,000 shards without records.
    func measureIdle() throws -> Idle {
        let fleet = try ScalingFleet(workspace, function: .journal, options: [:], batchSize: 100)
        try fleet.host.createStream(shards: Self.idleShards)
        sleep(Self.settling)
        let before = try ProcessUsage(pid: fleet.host.pid)
        sleep(Self.idleSeconds)
        let after = try ProcessUsage(pid: fleet.host.pid)
        let percent = 100 * (after - before).cpuSeconds / Double(Self.idleSeconds)
        let resident = try ProcessUsage.residentMegabytes(of: fleet.host.pid)
        try fleet.stop()
        var problems: [String] = []
        if percent > Self.cpuLimit { problems.append("\(percent) % of one core, \(Self.cpuLimit) % wanted") }
        if resident > Self.memoryLimit { problems.append("\(resident) MB, \(Self.memoryLimit) MB wanted") }
        return Idle(
            shards: Self.idleShards,
            cpuPercent: percent,
            residentMegabytes: resident,
            problems: problems
        )
    }

    /// The host and three workers beside it, with 1,000 leases in SQLite.
    func measureRenewals() throws -> Renewals {
        let fleet = try ScalingFleet(workspace, function: .journal, options: [:], batchSize: 100)
        try fleet.host.createStream(shards: Self.renewedShards)
        for _ in 1..<Self.renewingWorkers { try fleet.add() }
        sleep(Self.settling)
        let script = "Sources/millrace-bench/Scripts/renewals.py"
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: workspace.python)
        process.arguments = ["-B", script, fleet.data, String(Self.renewalSeconds)]
        process.standardOutput = output
        try process.run()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchFailure("\(script) ended with \(process.terminationStatus)")
        }
        try fleet.stop()
        return try JSONDecoder().decode(Renewals.self, from: answer)
    }
}
