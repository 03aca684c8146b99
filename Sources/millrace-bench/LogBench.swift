import Foundation

/// PutRecords and GetRecords over HTTP, durable; leaves a filled log behind for the functions.
struct LogBench {
    static let stream = "bench"
    static let shards = 4
    static let payloadBytes = 100
    private static let recordsPerCall = 500
    private static let recordsPerRead = 10_000
    private static let bodiesPerConnection = 8

    let workspace: BenchWorkspace
    let records: Int
    let connections: Int

    /// The data directory that the last run filled.
    var preloaded: String { workspace.folder + "/preloaded" }

    func measure(runs: Int) throws -> [PathResult] {
        var puts = PathResult(title: "PutRecords of \(Self.recordsPerCall) over HTTP, durable", goal: 400_000)
        var gets = PathResult(title: "GetRecords over HTTP", goal: 1_000_000)
        for run in 1...runs {
            let host = try BenchHost(workspace, data: try workspace.fresh("preloaded"))
            try host.createStream(shards: Self.shards)
            puts.runs.append(try measured("put \(run)", on: host) { try put(to: host) })
            gets.runs.append(try measured("get \(run)", on: host) { try get(from: host) })
            try host.stop()
        }
        return [puts, gets]
    }

    private func measured(_ name: String, on host: BenchHost, _ body: () throws -> Int) throws -> RunResult {
        let before = try ProcessUsage(pid: host.pid)
        let start = monotonicNanoseconds()
        let count = try body()
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        guard count == records else { throw BenchFailure("\(name): \(count) records instead of \(records)") }
        let result = RunResult(
            recordsPerSecond: Double(count) / seconds,
            host: try ProcessUsage(pid: host.pid) - before
        )
        say("\(name): \(Int(result.recordsPerSecond)) records/s")
        return result
    }

    private func put(to host: BenchHost) throws -> Int {
        let port = host.port
        let calls = records / Self.recordsPerCall
        let connections = connections
        let counts = try onThreads(connections) { index in
            let requests = (0..<Self.bodiesPerConnection).map { Self.putRequest(seed: index * 1_000 + $0) }
            let connection = try HTTPConnection(port: port)
            let share = calls / connections + (index < calls % connections ? 1 : 0)
            for call in 0..<share {
                try connection.exchange(requests[call % requests.count])
                try connection.withBody(Self.requireNoFailure)
            }
            return share * Self.recordsPerCall
        }
        return counts.reduce(0, +)
    }

    private static func putRequest(seed: Int) -> HTTPRequest {
        let records = (0..<recordsPerCall).map { number in
            let key = "key-\(seed)-\(number)"
            let payload =
                Data("payload of \(key) ".utf8) + Data(repeating: UInt8(ascii: "."), count: payloadBytes)
            return
                #"{"PartitionKey":"\#(key)","Data":"\#(payload.prefix(payloadBytes).base64EncodedString())"}"#
        }
        let body = #"{"StreamName":"\#(stream)","Records":[\#(records.joined(separator: ","))]}"#
        return .kinesis("PutRecords", Array(body.utf8))
    }

    /// The count of failures stands at one end of the answer.
    private static func requireNoFailure(_ body: UnsafeRawBufferPointer) throws {
        let ends =
            String(decoding: body.prefix(64), as: UTF8.self)
            + String(decoding: body.suffix(64), as: UTF8.self)
        guard ends.contains(#""FailedRecordCount":0"#) else {
            throw BenchFailure("records were not put: \(ends)")
        }
    }

    private func get(from host: BenchHost) throws -> Int {
        let port = host.port
        let counts = try onThreads(Self.shards) { shard in
            let connection = try HTTPConnection(port: port)
            let start = """
                {"StreamName":"\(Self.stream)","ShardId":"shardId-00000000000\(shard)","ShardIteratorType":"TRIM_HORIZON"}
                """
            try connection.exchange(.kinesis("GetShardIterator", Array(start.utf8)))
            var iterator = try connection.withBody { try Self.text(after: #""ShardIterator":""#, in: $0) }
            var count = 0
            while true {
                let body = #"{"ShardIterator":"\#(iterator)","Limit":\#(Self.recordsPerRead)}"#
                try connection.exchange(.kinesis("GetRecords", Array(body.utf8)))
                let read = connection.withBody(Self.recordCount)
                if read == 0 { return count }
                count += read
                iterator = try connection.withBody { try Self.text(after: #""NextShardIterator":""#, in: $0) }
            }
        }
        return counts.reduce(0, +)
    }

    /// Every record is an object without objects in it, within one outer object; keys and base64 have no braces.
    private static func recordCount(_ body: UnsafeRawBufferPointer) -> Int {
        var braces = 0
        for byte in body where byte == UInt8(ascii: "{") { braces &+= 1 }
        return braces - 1
    }

    /// The string that follows `label` near one end of the answer.
    private static func text(after label: String, in body: UnsafeRawBufferPointer) throws -> String {
        for end in [body.suffix(2_048), body.prefix(2_048)] {
            let text = String(decoding: end, as: UTF8.self)
            if let range = text.range(of: label) {
                return String(text[range.upperBound...].prefix { $0 != "\"" })
            }
        }
        throw BenchFailure("an answer without \(label)")
    }
}
