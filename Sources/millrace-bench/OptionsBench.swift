import Foundation

/// What the options of event source mappings do to the rate.
struct OptionsBench {
    private static let recordsPerCall = 500
    private static let limit: Double = 300

    let workspace: BenchWorkspace

    /// Records of 200 bytes of JSON, of which one in a hundred passes the filter to a Swift plugin.
    func measureFilter(runs: Int) throws -> PathResult {
        let records = 1_000_000
        let preloaded = try fill(records: records, shards: LogBench.shards) { number in
            let head = #"{"kind":"\#(number % 100 == 0 ? "rare" : "common")","number":\#(number),"note":""#
            return head + String(repeating: "x", count: max(0, 198 - head.utf8.count)) + #""}"#
        }
        var result = PathResult(title: "filter, JSON of 200 B, 1 in 100 passes", goal: 500_000)
        for run in 1...runs {
            result.runs.append(
                try measure(
                    "filter \(run)",
                    .plugin,
                    preloaded,
                    records: records,
                    batchSize: 1000,
                    options: ["FilterCriteria": #"{Filters: [{Pattern: '{"data":{"kind":["rare"]}}'}]}"#]
                )
            )
        }
        return result
    }

    /// One shard and a function that sleeps 10 ms, with one lane and with ten.
    func measureLanes(runs: Int) throws -> [PathResult] {
        let records = 50_000
        let preloaded = try fill(records: records, shards: 1) { "record \($0)" }
        let one = try measureLanes(1, goal: nil, preloaded, records: records, runs: runs)
        let goal = one.median.map { Int($0.recordsPerSecond * 8) }
        return [one, try measureLanes(10, goal: goal, preloaded, records: records, runs: runs)]
    }

    private func measureLanes(_ lanes: Int, goal: Int?, _ preloaded: String, records: Int, runs: Int) throws
        -> PathResult
    {
        var result = PathResult(title: "10 ms a batch of 100, one shard, lanes: \(lanes)", goal: goal)
        for run in 1...runs {
            result.runs.append(
                try measure(
                    "lanes \(lanes), \(run)",
                    .bootstrap,
                    preloaded,
                    records: records,
                    batchSize: 100,
                    environment: ["BENCH_SLEEP_MS": "10"],
                    options: ["ParallelizationFactor": "\(lanes)"]
                )
            )
        }
        return result
    }

    private func measure(
        _ name: String,
        _ function: BenchFunction,
        _ preloaded: String,
        records: Int,
        batchSize: Int,
        environment: [String: String] = [:],
        options: [String: String]
    ) throws -> RunResult {
        let data = try workspace.fresh("data")
        try FileManager.default.copyItem(atPath: preloaded, toPath: data)
        let counters = try workspace.freshFolder("counters")
        let functions = try workspace.freshFolder("functions")
        try function.install(
            in: functions,
            batchSize: batchSize,
            environment: environment,
            options: options
        )
        let host = try BenchHost(workspace, data: data, functions: functions, counters: counters)
        let done = try waitUntilStill(host, counters, name)
        let result = RunResult(
            recordsPerSecond: Double(records) / done.seconds,
            host: try ProcessUsage(pid: host.pid),
            handlers: try ProcessUsage.ofChildren(of: host.pid)
        )
        try host.stop()
        say("\(name): \(Int(result.recordsPerSecond)) records/s in \(done.batches) batches")
        return result
    }

    /// Until no batch has come for a while, and the host says that nothing waits.
    private func waitUntilStill(_ host: BenchHost, _ counters: String, _ name: String) throws
        -> HandlerCounters
    {
        let start = monotonicNanoseconds()
        var batches = 0
        while Double(monotonicNanoseconds() - start) / 1e9 < Self.limit {
            usleep(200_000)
            let now = try HandlerCounters(folder: counters)
            if now.batches > 0, now.batches == batches, try host.isIdle() { return now }
            batches = now.batches
        }
        throw BenchFailure("\(name): not done after \(Self.limit) s")
    }

    /// A data directory with a stream of these payloads.
    private func fill(records: Int, shards: Int, payload: (Int) -> String) throws -> String {
        let data = try workspace.fresh("options")
        let host = try BenchHost(workspace, data: data)
        try host.createStream(shards: shards)
        let connection = try host.connect()
        for start in stride(from: 0, to: records, by: Self.recordsPerCall) {
            let entries = (start..<start + Self.recordsPerCall).map { number in
                let data = Data(payload(number).utf8).base64EncodedString()
                return #"{"PartitionKey":"key-\#(number)","Data":"\#(data)"}"#
            }
            let body = #"{"StreamName":"\#(LogBench.stream)","Records":[\#(entries.joined(separator: ","))]}"#
            try connection.exchange(.kinesis("PutRecords", Array(body.utf8)))
        }
        try host.stop()
        return data
    }
}
