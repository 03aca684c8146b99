import AWSClient
import ByteCoding
import Foundation
import KinesisSource
import StreamCore
import TestSupport
import Testing

/// moto, which answers as its authors understand the service.
@Suite(.timeLimit(.minutes(10)))
struct MotoTests {
    private static let keys = AWSCredentialSource(
        environment: ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"],
        homeDirectory: "/nonexistent"
    )

    @Test func `records are read from every position, and a closed shard ends`() async throws {
        try await withMoto { url in
            let client = KinesisClient(
                endpoint: url,
                credentials: try Self.keys.credentials(),
                http: HTTPClient(limits: .patient)
            )
            func call(_ operation: String, _ body: String) async throws {
                _ = try await client.call(operation, Array(body.utf8))
            }
            func put(_ payload: String) async throws {
                let data = Base64.encode(Array(payload.utf8))
                try await call("PutRecord", #"{"StreamName":"flights","PartitionKey":"k","Data":"\#(data)"}"#)
            }
            try await call("CreateStream", #"{"StreamName":"flights","ShardCount":1}"#)
            let source = try KinesisSource.test("flights", at: url, credentials: Self.keys)
            let shard = try #require(try await source.shards().first?.id)
            func read(_ position: Position) async throws -> [String] {
                let reader = try await source.reader(of: shard, from: position)
                let batch = try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .zero).batch
                return batch.entries.indices.map { String(decoding: batch.payload(at: $0), as: UTF8.self) }
            }
            for payload in ["a", "b"] { try await put(payload) }
            let all = try await source.reader(of: shard, from: .trimHorizon)
                .read(maxRecords: 100, maxBytes: 1 << 20, wait: .zero).batch
            let pinned = try await source.pin(.latest, in: shard)
            try await put("c")

            #expect(try await read(.trimHorizon) == ["a", "b", "c"])
            #expect(try await read(.atSequenceNumber(all.entries[1].sequenceNumber)) == ["b", "c"])
            #expect(try await read(.afterSequenceNumber(all.entries[1].sequenceNumber)) == ["c"])
            #expect(try await read(try #require(pinned.resumePosition)) == ["c"])

            try await call(
                "SplitShard",
                #"{"StreamName":"flights","ShardToSplit":"\#(shard)","NewStartingHashKey":"1000"}"#
            )
            let reader = try await source.reader(of: shard, from: .trimHorizon)
            var (count, isEnd) = (0, false)
            while !isEnd {
                let result = try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .zero)
                count += result.batch.count
                isEnd = result.isEnd
            }
            #expect(count == 3)
            #expect(try await source.shards().filter { $0.parent == shard }.count == 2)
        }
    }
}

private func withMoto(_ body: (_ url: String) async throws -> Void) async throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let python = tests.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/venv/bin/python3")
    try #require(FileManager.default.fileExists(atPath: python.path), "`make test` makes \(python.path)")
    let process = Process()
    let (input, output) = (Pipe.toChild(), Pipe.toChild())
    process.executableURL = python
    process.arguments = ["-B", tests.appendingPathComponent("Scripts/kinesis.py").path]
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AWS_") }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.start()
    let port = await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            let line = output.fileHandleForReading.availableData
            continuation.resume(
                returning: String(decoding: line, as: UTF8.self).trimmingCharacters(in: .newlines)
            )
        }
    }
    let result: Result<Void, any Error>
    do {
        try #require(Int(port) != nil, "moto did not start")
        result = .success(try await body("http://127.0.0.1:\(port)"))
    } catch {
        result = .failure(error)
    }
    // The script ends with its standard input, whatever becomes of this process.
    try? input.fileHandleForWriting.close()
    try await onOwnThread { process.waitUntilExit() }
    try result.get()
}
