import AWSClient
import EmbeddedLog
import Foundation
import Hummingbird
import KinesisAPI
import Logging
import ServerSupport
import StreamCore
import Synchronization
import TestSupport

/// The API as a client sees it: a real log in a temporary directory behind a real server on a free port.
struct KinesisServer {
    let client: KinesisClient
    let url: String
    let log: EmbeddedLog
    let wallClock: SettableClock

    /// Lends a running server.
    static func with<Result: Sendable>(
        _ body: @escaping @Sendable (KinesisServer) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let wallClock = SettableClock()
            var options = LogOptions()
            options.wallClock = { wallClock.now }
            let log = try EmbeddedLog.open(directory: directory, options: options, logger: logger)
            defer { log.close() }
            let endpoint = KinesisEndpoint(KinesisService(log: log, logger: logger, now: { wallClock.now }))
            let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
                guard KinesisEndpoint.handles(request) else { return Response(status: .notFound) }
                return try await endpoint.respond(to: request)
            }
            return try await withLoopbackServer(responder) { port in
                let url = "http://127.0.0.1:\(port)"
                return try await body(
                    KinesisServer(
                        // A call may take as long as the machine does.
                        client: KinesisClient(
                            endpoint: url,
                            http: HTTPClient(
                                limits: HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))
                            )
                        ),
                        url: url,
                        log: log,
                        wallClock: wallClock
                    )
                )
            }
        }
    }

    /// Calls an operation and reads its answer as a JSON object.
    @discardableResult
    func call(_ operation: String, _ body: String = "{}") async throws -> [String: Any] {
        let answer = try await client.call(operation, Array(body.utf8))
        guard !answer.isEmpty else { return [:] }
        return try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
    }

    /// The error that a call ends in; `nil` when it succeeds.
    func error(_ operation: String, _ body: String = "{}") async throws -> AWSError? {
        do {
            try await call(operation, body)
            return nil
        } catch let error as AWSError {
            return error
        }
    }

    func createStream(_ name: String, shardCount: Int = 1) async throws {
        try await call("CreateStream", #"{"StreamName":"\#(name)","ShardCount":\#(shardCount)}"#)
    }

    /// Puts records with these payloads under one key each.
    @discardableResult
    func put(_ payloads: [String], into stream: String, key: String = "k") async throws -> [[String: Any]] {
        let records = payloads.map { payload in
            #"{"PartitionKey":"\#(key)","Data":"\#(Data(payload.utf8).base64EncodedString())"}"#
        }
        let body = #"{"StreamName":"\#(stream)","Records":[\#(records.joined(separator: ","))]}"#
        return try await call("PutRecords", body)["Records"] as? [[String: Any]] ?? []
    }

    func iterator(_ stream: String, shard: Int = 0, _ rest: String = #""ShardIteratorType":"TRIM_HORIZON""#)
        async throws -> String
    {
        let body = #"{"StreamName":"\#(stream)","ShardId":"\#(ShardID(number: shard))",\#(rest)}"#
        return try await call("GetShardIterator", body)["ShardIterator"] as? String ?? ""
    }

    func get(_ iterator: String, limit: Int? = nil) async throws -> GetRecordsReply {
        let limit = limit.map { #","Limit":\#($0)"# } ?? ""
        return GetRecordsReply(try await call("GetRecords", #"{"ShardIterator":"\#(iterator)"\#(limit)}"#))
    }
}

/// What GetRecords answered.
struct GetRecordsReply {
    let payloads: [String]
    let numbers: [String]
    let next: String?
    let millisBehindLatest: Int
    let childShards: [String]

    init(_ fields: [String: Any]) {
        let records = fields["Records"] as? [[String: Any]] ?? []
        payloads = records.map { record in
            let data = Data(base64Encoded: record["Data"] as? String ?? "") ?? Data()
            return String(decoding: data, as: UTF8.self)
        }
        numbers = records.compactMap { $0["SequenceNumber"] as? String }
        next = fields["NextShardIterator"] as? String
        millisBehindLatest = fields["MillisBehindLatest"] as? Int ?? -1
        childShards = (fields["ChildShards"] as? [[String: Any]] ?? []).compactMap {
            $0["ShardId"] as? String
        }
    }
}

/// A wall clock that stands still until a test moves it.
final class SettableClock: Sendable {
    private let milliseconds = Mutex<Int64>(1_700_000_000_000)

    var now: Timestamp { Timestamp(milliseconds: milliseconds.withLock(\.self)) }

    func advance(seconds: Int64) { milliseconds.withLock { $0 += seconds * 1_000 } }
}
