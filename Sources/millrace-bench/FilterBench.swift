import Delivery
import Foundation
import StreamCore

/// A filter on JSON payloads, in this process and on one core: what it costs per record that is read.
struct FilterBench {
    static let payloadBytes = 200
    private static let goal = 500_000
    private static let recordsPerBatch = 10_000
    /// Two fields of ten, one of them nested and near the end; a quarter of the records pass.
    private static let pattern =
        #"{"data":{"kind":["departure","arrival"],"aircraft":{"altitude":[{"numeric":[">=",20000,"<",30000]}]}}}"#

    let records: Int

    func measure(runs: Int) throws -> PathResult {
        var result = PathResult(
            title: "filter, JSON of \(Self.payloadBytes) bytes, one core",
            goal: Self.goal
        )
        let filter = try RecordFilter(patterns: [Self.pattern])
        let batch = Self.batch()
        let rounds = max(1, records / Self.recordsPerBatch)
        for run in 1...runs {
            let before = try ProcessUsage(pid: getpid())
            let start = monotonicNanoseconds()
            var matching = 0
            for _ in 0..<rounds { matching += filter.select(batch.all).count }
            let seconds = Double(monotonicNanoseconds() - start) / 1e9
            guard matching == rounds * Self.recordsPerBatch / 4 else {
                throw BenchFailure("filter \(run): \(matching) records match")
            }
            let rate = Double(rounds * Self.recordsPerBatch) / seconds
            result.runs.append(
                RunResult(recordsPerSecond: rate, host: try ProcessUsage(pid: getpid()) - before)
            )
            say("filter \(run): \(Int(rate)) records/s")
        }
        return result
    }

    private static func batch() -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordEntry] = []
        for number in 0..<recordsPerBatch {
            let key = "key-\(number)"
            let payload = payload(number)
            entries.append(
                RecordEntry(
                    sequenceNumber: SequenceNumber(integerLiteral: UInt64(number + 1)),
                    arrival: Timestamp(milliseconds: Int64(number)),
                    offset: UInt32(bytes.count),
                    keyBytes: UInt16(key.utf8.count),
                    payloadBytes: UInt32(payload.utf8.count)
                )
            )
            bytes += key.utf8
            bytes += payload.utf8
        }
        return RecordBatch(bytes: bytes, entries: entries)
    }

    private static func payload(_ number: Int) -> String {
        let start =
            #"{"id":"flight-\#(100_000 + number)","kind":"\#(number % 2 == 0 ? "departure" : "diversion")","#
            + #""airline":"LH","from":"FRA","to":"JFK","delay_minutes":\#(number % 60),"gates":["A1","B22"],"#
            + #""aircraft":{"type":"A359","altitude":\#(number % 4 == 0 ? 24_500 : 35_000).5},"note":""#
        let filler = String(repeating: ".", count: max(0, payloadBytes - start.utf8.count - 2))
        return start + filler + #""}"#
    }
}
