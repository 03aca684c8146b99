import Foundation

/// One run of one path.
struct RunResult: Encodable, Sendable {
    let recordsPerSecond: Double
    let host: ProcessUsage
    /// CPU of all handlers together, peak of the largest; absent for the log's own paths.
    var handlers: ProcessUsage?
    /// From the start of `serve` until a function had its first record.
    var firstRecordMilliseconds: Double?
}

/// Every run of one path.
struct PathResult: Encodable, Sendable {
    let title: String
    /// Records per second to reach; `nil` when there is a baseline instead.
    let goal: Int?
    /// It is measured against awslambdaric alone.
    let hasBaseline: Bool
    var runs: [RunResult] = []

    init(title: String, goal: Int?, hasBaseline: Bool = false) {
        self.title = title
        self.goal = goal
        self.hasBaseline = hasBaseline
    }

    /// The run whose rate is in the middle.
    var median: RunResult? {
        let sorted = runs.sorted { $0.recordsPerSecond < $1.recordsPerSecond }
        return sorted.isEmpty ? nil : sorted[sorted.count / 2]
    }
}

struct LatencyResult: Encodable, Sendable {
    let durability: String
    let medianMilliseconds: Double
    let p99Milliseconds: Double
}

/// What `make bench` found, as a table and as JSON.
struct BenchReport: Encodable, Sendable {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let date = Date()
    let records: Int
    let payloadBytes = LogBench.payloadBytes
    let shards = LogBench.shards
    let batchSize = FunctionBench.batchSize
    var paths: [PathResult] = []
    /// Records per second of the awslambdaric function without a host.
    var baseline: Double?
    var latencies: [LatencyResult] = []
    var scaling: ScalingVerdict?
    var idle: RestBench.Idle?
    var renewals: RestBench.Renewals?

    init(records: Int) {
        self.records = records
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(self)
    }

    var table: String {
        var lines: [String] = []
        if !paths.isEmpty || !latencies.isEmpty { lines += rates }
        if let scaling { lines.append(scaling.table) }
        if let idle {
            lines.append(
                "\(idle.shards) shards at rest: \(decimal(idle.cpuPercent)) % of one core, \(decimal(idle.residentMegabytes)) MB"
            )
            lines += idle.problems.map { "missed: \($0)" }
        }
        if let renewals {
            lines.append(
                """
                \(renewals.leases) leases: the latest of \(renewals.renewals) renewals after \
                \(decimal(renewals.latestSeconds)) s, \(decimal(RestBench.renewalLimit)) s allowed
                """
            )
        }
        return lines.joined(separator: "\n")
    }

    private var rates: [String] {
        var lines = [
            "\(records) records of \(payloadBytes) bytes, \(shards) shards, batch \(batchSize), \(cores) cores; median of the runs",
            "",
            "| path | records/s | goal | host CPU s | host peak MB | handlers CPU s | handler peak MB | first record ms |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
        ]
        lines += paths.compactMap(row)
        if let baseline { lines.append("| awslambdaric alone | \(grouped(baseline)) | | | | | | |") }
        lines.append("")
        lines += latencies.map { latency in
            "put to function, idle host, \(latency.durability): median \(decimal(latency.medianMilliseconds)) ms, "
                + "p99 \(decimal(latency.p99Milliseconds)) ms"
        }
        return lines
    }

    private func row(_ path: PathResult) -> String? {
        guard let run = path.median else { return nil }
        let baseline = path.hasBaseline ? baselineGoal(reached: run.recordsPerSecond) : ""
        let goal = path.goal.map { grouped(Double($0)) } ?? baseline
        let cells = [
            path.title, grouped(run.recordsPerSecond), goal,
            decimal(run.host.cpuSeconds), decimal(run.host.peakMegabytes),
            run.handlers.map { decimal($0.cpuSeconds) } ?? "",
            run.handlers.map { decimal($0.peakMegabytes) } ?? "",
            run.firstRecordMilliseconds.map(decimal) ?? "",
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    private func baselineGoal(reached: Double) -> String {
        guard let baseline else { return "" }
        return "90 % of \(grouped(baseline)); reached \(Int((100 * reached / baseline).rounded())) %"
    }

    private func decimal(_ value: Double) -> String { String(format: "%.1f", value) }

    /// With three digits that count, and commas.
    private func grouped(_ value: Double) -> String {
        guard value >= 1 else { return "0" }
        let step = pow(10, max(0, floor(log10(value)) - 2))
        let digits = Array(String(Int((value / step).rounded() * step)).reversed())
        let groups = stride(from: 0, to: digits.count, by: 3).map {
            String(digits[$0..<min($0 + 3, digits.count)])
        }
        return String(groups.joined(separator: ",").reversed())
    }
}
