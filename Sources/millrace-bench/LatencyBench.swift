import Foundation

/// From PutRecord to the function, one record at a time on an idle host.
struct LatencyBench {
    private static let warmUps = 20
    private static let samples = 500
    private static let limit: UInt64 = 5_000_000_000

    let workspace: BenchWorkspace

    func measure() throws -> [LatencyResult] {
        try ["relaxed", "durable"].map(measure)
    }

    private func measure(durability: String) throws -> LatencyResult {
        let counters = try workspace.freshFolder("counters")
        let functions = try workspace.freshFolder("functions")
        try BenchFunction.plugin.install(
            in: functions,
            batchSize: 100,
            environment: ["BENCH_MODE": "latency"]
        )
        let host = try BenchHost(
            workspace,
            data: try workspace.fresh("data"),
            functions: functions,
            counters: counters,
            durability: durability
        )
        try host.createStream(shards: LogBench.shards)
        let connection = try host.connect()
        for number in 1...Self.warmUps + Self.samples {
            try put(number, to: connection)
            try waitForSample(number, in: counters)
            // Idle again: a relaxed log has synced the last record. The pauses differ, so that none of them meets what is
            // periodic every time.
            usleep(10_000 + UInt32(number * 7_919 % 10_000))
        }
        let sorted = try HandlerCounters(folder: counters).samples.sorted()
        try host.stop()
        let result = LatencyResult(
            durability: durability,
            medianMilliseconds: Double(sorted[sorted.count / 2]) / 1e6,
            p99Milliseconds: Double(sorted[sorted.count * 99 / 100]) / 1e6
        )
        say(
            "latency, \(durability): median \(result.medianMilliseconds) ms, p99 \(result.p99Milliseconds) ms"
        )
        return result
    }

    /// The record's payload is the time at which it was put.
    private func put(_ number: Int, to connection: HTTPConnection) throws {
        let payload = Data(String(monotonicNanoseconds()).utf8).base64EncodedString()
        let body =
            #"{"StreamName":"\#(LogBench.stream)","PartitionKey":"key-\#(number)","Data":"\#(payload)"}"#
        try connection.exchange(.kinesis("PutRecord", Array(body.utf8)))
    }

    private func waitForSample(_ number: Int, in counters: String) throws {
        let start = monotonicNanoseconds()
        while try HandlerCounters(folder: counters).samples.count < number {
            guard monotonicNanoseconds() - start < Self.limit else {
                throw BenchFailure("record \(number) did not reach its function")
            }
            usleep(500)
        }
    }
}
