import Glibc
import MillraceFunction

/// Touches every record and counts it; with `BENCH_MODE=latency` takes a record's payload for the time at which it was put.
struct CountingPlugin: StreamFunction {
    private let counters: CounterPage
    private let measuresLatency: Bool

    init() throws {
        counters = try CounterPage()
        measuresLatency = getenv("BENCH_MODE").map { String(cString: $0) } == "latency"
    }

    mutating func handle(_ batch: RecordBatch, context: InvocationContext) async throws -> BatchResponse {
        let start = CounterPage.now()
        var payloadBytes: UInt64 = 0
        for record in batch {
            payloadBytes &+= UInt64(record.payload.count)
            if measuresLatency, let put = UInt64(String(decoding: record.payload, as: UTF8.self)) {
                counters.addSample(CounterPage.now() - put)
            }
        }
        counters.add(records: UInt64(batch.count), payloadBytes: payloadBytes, from: start)
        return .success
    }
}

@_cdecl("millrace_function")
public func millraceFunction(_ channel: Int32) -> Int32 { CountingPlugin.run(channel) }
