import AWSClient
import Foundation
import StreamCore
import TestSupport
import Testing

@testable import FailureDestinations

struct FileDestinationTests {
    @Test func `each failure is one line of JSON`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/failures.jsonl"
            let failures = [BatchFailure.sample("a"), .sample("b", event: Array("{\n}".utf8))]

            for failure in failures { try await deliver(failure, to: path) }

            #expect(try text(of: path) == failures.map { line(of: $0) }.joined())
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func `a torn last line stays by itself and what follows is whole`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/failures.jsonl"
            try Data("{\"requestCon".utf8).write(to: URL(fileURLWithPath: path))

            try await deliver(.sample(), to: path)

            #expect(try text(of: path) == "{\"requestCon\n" + line(of: .sample()))
        }
    }

    @Test func `failures at the same time do not mix`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/failures.jsonl"
            let failures = (0..<20).map { BatchFailure.sample("\($0)", event: Array("\"event \($0)\"".utf8)) }

            try await withThrowingTaskGroup(of: Void.self) { group in
                for failure in failures { group.addTask { try await deliver(failure, to: path) } }
                try await group.waitForAll()
            }

            let lines = try text(of: path).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(Set(lines.dropLast().map { $0 + "\n" }) == Set(failures.map { Substring(line(of: $0)) }))
            #expect(lines.last == "")
        }
    }

    @Test func `what is no file, or has no folder, is refused by name`() async throws {
        try await withTemporaryDirectory { directory in
            #expect(mkfifo(directory + "/pipe", 0o600) == 0)
            for path in [directory, directory + "/missing/failures", directory + "/pipe"] {
                let refusal = await #expect(throws: FileRefusal.self) {
                    try await deliver(.sample(), to: path)
                }
                #expect(refusal?.description.hasPrefix(path + " ") == true)
            }
        }
    }

    private func deliver(_ failure: BatchFailure, to path: String) async throws {
        let found = try FailureRouter.offline.destination(of: .file(path: path))
        var destination = try #require(found as? FileDestination)
        // A child that another test forks while the file is open holds its lock until its exec.
        destination.lockWait = .seconds(600)
        try await destination.deliver(failure)
    }

    private func line(of failure: BatchFailure) -> String {
        String(decoding: FailureRecord.withPayload(of: failure), as: UTF8.self) + "\n"
    }

    private func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
}

struct StreamDestinationTests {
    private let target = FailureTarget.stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/failed")

    @Test func `a stream gets one record with the event, keyed by the shard`() async throws {
        let records = Recorder<PutRecord>()

        try await FailureRouter.offline(records).destination(of: target).deliver(.sample())

        let payload = FailureRecord.withPayload(of: .sample())
        #expect(
            records.events == [PutRecord(stream: "failed", key: "shardId-000000000006", payload: payload)]
        )
    }

    @Test func `an event that passes what a record may carry is left out`() async throws {
        let records = Recorder<PutRecord>()
        let failure = BatchFailure.sample(event: [UInt8](repeating: UInt8(ascii: "x"), count: 5_000))

        try await FailureRouter.offline(records, maximumRecordBytes: 4_000).destination(of: target)
            .deliver(failure)

        #expect(records.events.map(\.payload) == [FailureRecord.metadata(of: failure)])
    }

    @Test(arguments: ["000000000000", "123456789012"])
    func `a stream does not take its own failures, whatever the account in its ARN`(account: String)
        async throws
    {
        let records = Recorder<PutRecord>()

        await #expect(throws: DestinationRefusal.self) {
            try await FailureRouter.offline(records).destination(of: target)
                .deliver(.sample(streamARN: target.text.replacing("000000000000", with: account)))
        }

        #expect(records.events.isEmpty)
    }
}

struct PutRecord: Hashable, Sendable {
    let stream: StreamName
    let key: String
    let payload: [UInt8]
}

extension FailureRouter {
    static var offline: FailureRouter { offline(Recorder()) }

    /// Reaches no service; records for streams are recorded.
    static func offline(_ records: Recorder<PutRecord>, maximumRecordBytes: Int = 1 << 20) -> FailureRouter {
        FailureRouter(
            environment: [:],
            region: "us-east-1",
            credentials: AWSCredentialSource(environment: [:], homeDirectory: "/nonexistent"),
            streams: FailureStreams(maximumRecordBytes: maximumRecordBytes) { stream, key, payload in
                records.append(PutRecord(stream: stream, key: key, payload: payload))
            }
        )
    }
}
