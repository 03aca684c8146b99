import ArgumentParser
import Foundation

/// Measures a release build on this machine: `make bench`.
@main
struct MillraceBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-bench",
        abstract: "Measures records per second, latency, CPU and memory of real hosts on this machine.",
        discussion: "Run from the root of the repository; `make bench` builds what this needs."
    )

    @Option(help: "Records preloaded for each run, spread over 4 shards.")
    var records = 1_000_000

    @Option(help: "Runs of each path; the table has the median.")
    var runs = 5

    @Option(help: "Connections that put records.")
    var connections = 16

    @Option(
        help: """
            Measure only log, plugin, bootstrap, python, filter, lanes or latency, or what is measured only when asked for: \
            scaling, idle or renewals. May be repeated.
            """
    )
    var only: [String] = []

    @Option(help: "How long workers come and go in `--only scaling`.")
    var minutes = 10.0

    @Option(help: "A Python that has awslambdaric.")
    var python = ".build/venv/bin/python3"

    @Option(help: "Where the results go as JSON.")
    var output = ".build/bench.json"

    func run() throws {
        let workspace = try BenchWorkspace(
            folder: ".build/bench/work",
            millrace: Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent(
                "millrace"
            ).path
                ?? ".build/release/millrace",
            python: python
        )
        var report = BenchReport(records: records)
        if isWanted("filter") { report.paths.append(try FilterBench(records: records).measure(runs: runs)) }
        let log = LogBench(workspace: workspace, records: records, connections: connections)

        let functions = BenchFunction.measured.filter { isWanted($0.rawValue) }
        // Also what fills the log for the functions.
        if isWanted("log") || !functions.isEmpty { report.paths += try log.measure(runs: runs) }
        for function in functions {
            let bench = FunctionBench(
                workspace: workspace,
                function: function,
                preloaded: log.preloaded,
                records: records
            )
            guard function == .python else {
                report.paths.append(try bench.measure(runs: runs))
                continue
            }
            let baseline = RuntimeAPIBaseline(workspace: workspace, records: records)
            var rates: [Double] = []
            report.paths.append(
                try bench.measure(runs: runs) { run in rates.append(try baseline.measure(run: run)) }
            )
            report.baseline = rates.sorted()[rates.count / 2]
        }
        let options = OptionsBench(workspace: workspace)
        if isWanted("filter") { report.paths.append(try options.measureFilter(runs: runs)) }
        if isWanted("lanes") { report.paths += try options.measureLanes(runs: runs) }
        if isWanted("latency") {
            report.latencies = try LatencyBench(workspace: workspace).measure()
        }
        try measureScaling(workspace, &report)
        try workspace.remove()

        print(report.table)
        try report.json().write(to: URL(fileURLWithPath: output))
        say("written to \(output)")
    }

    /// Too long for every run.
    private func measureScaling(_ workspace: BenchWorkspace, _ report: inout BenchReport) throws {
        if only.contains("scaling") {
            report.scaling = try ScalingBench(workspace: workspace, minutes: minutes).measure()
        }
        let rest = RestBench(workspace: workspace)
        if only.contains("idle") { report.idle = try rest.measureIdle() }
        if only.contains("renewals") { report.renewals = try rest.measureRenewals() }
    }

    private func isWanted(_ name: String) -> Bool { only.isEmpty || only.contains(name) }
}

struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What goes on, for whoever waits; stdout is for the table.
func say(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
