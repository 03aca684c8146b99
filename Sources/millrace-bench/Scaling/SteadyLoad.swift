import Foundation
import Synchronization

/// Puts the next record of every key at a steady pace, until it is stopped.
final class SteadyLoad: Sendable {
    private struct State {
        var isStopped = false
        var numbers: [Int]
    }

    /// So many keys for each shard.
    static let keysPerShard = 2
    static let interval: useconds_t = 100_000

    private let shards: Int
    private let state: Mutex<State>
    private let ended = DispatchSemaphore(value: 0)

    init(shards: Int) {
        self.shards = shards
        state = Mutex(State(numbers: Array(repeating: 0, count: shards * Self.keysPerShard)))
    }

    func start(on port: UInt16) {
        Thread.detachNewThread {
            do {
                let connection = try HTTPConnection(port: port)
                while !self.state.withLock(\.isStopped) {
                    try self.put(to: connection)
                    usleep(Self.interval)
                }
            } catch {
                say("the load ended: \(error)")
            }
            self.ended.signal()
        }
    }

    /// - Returns: The highest number of each key that was put.
    func stop() -> [Int] {
        state.withLock { $0.isStopped = true }
        ended.wait()
        return state.withLock(\.numbers)
    }

    private func put(to connection: HTTPConnection) throws {
        let next = state.withLock { $0.numbers.map { $0 + 1 } }
        // Keys go to the shards in turn, by the beginning of each one's range.
        let step = UInt128.max / UInt128(shards) + 1
        let entries = next.enumerated().map { key, number in
            let data = Data("\(key):\(number)".utf8).base64EncodedString()
            let hashKey = UInt128(key % shards) * step
            return #"{"PartitionKey":"\#(key)","ExplicitHashKey":"\#(hashKey)","Data":"\#(data)"}"#
        }
        let body = #"{"StreamName":"\#(LogBench.stream)","Records":[\#(entries.joined(separator: ","))]}"#
        try connection.exchange(.kinesis("PutRecords", Array(body.utf8)))
        try connection.withBody { body in
            let text = String(decoding: body, as: UTF8.self)
            guard text.contains(#""FailedRecordCount":0"#) else { throw BenchFailure("records were not put") }
        }
        state.withLock { $0.numbers = next }
    }
}
