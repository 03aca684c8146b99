import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

@Suite struct StreamTests {
    @Test func `streams are listed by name until they are deleted`() async throws {
        try await withTemporaryDirectory { path in
            try await reopened(path) { log in
                for name in ["b", "..", "a"] as [StreamName] { try log.createStream(name, shardCount: 2) }
                #expect(log.streamNames == ["..", "a", "b"])
                #expect(throws: StreamExists.self) { try log.createStream("a", shardCount: 1) }

                try log.deleteStream("b")

                #expect(throws: StreamNotFound(stream: "b")) { try log.stream("b") }
                #expect(throws: StreamNotFound(stream: "b")) { try log.deleteStream("b") }
            }
            try await reopened(path) { log in
                #expect(log.streamNames == ["..", "a"])
                let shards = try log.stream("..").listShards()
                #expect(shards.count == 2)
            }
        }
    }

    @Test func `a deleted and recreated stream is another`() async throws {
        try await withLog { log in
            let old = try log.createStream("flights", shardCount: 1)
            await old.append(each: ["a"])
            try log.deleteStream("flights")

            let new = try log.createStream("flights", shardCount: 1)

            #expect(new.incarnation != old.incarnation)
            #expect(try new.readAll().isEmpty)
            #expect(throws: StreamNotFound(stream: "flights")) { try old.readAll() }
            let late = await old.append(NewRecords(["late"]))
            #expect(late.failure(at: 0) as? StreamNotFound == StreamNotFound(stream: "flights"))
            #expect(try new.readAll().isEmpty)
        }
    }

    @Test func `a log is open once only`() async throws {
        try await withLog { log in
            #expect(throws: LogInUse.self) {
                try EmbeddedLog.open(directory: log.directory, logger: silent)
            }
        }
    }

    @Test func `a closed log refuses every call`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            log.close()

            #expect(throws: LogClosed.self) { try log.stream("flights") }
            #expect(throws: LogClosed.self) { try log.createStream("other", shardCount: 1) }
            #expect(throws: LogClosed.self) { try stream.readAll() }
            #expect(await stream.append(NewRecords(["a"])).failure(at: 0) is LogClosed)
        }
    }

    @Test func `what a crash left of a stream being made or deleted is removed`() async throws {
        try await withTemporaryDirectory { path in
            for name in ["a.01.stream.unfinished", "b.02.stream.deleted"] {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(name)/x",
                    withIntermediateDirectories: true
                )
            }

            try await reopened(path) { #expect($0.streamNames.isEmpty) }

            #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["lock"])
        }
    }

    @Test func `a stream file that makes no sense is named`() async throws {
        try await withTemporaryDirectory { path in
            try await reopened(path) { try $0.createStream("flights", shardCount: 1) }
            let file = try #require(try files(in: path, suffix: "stream.json").first)
            try Data("{".utf8).write(to: URL(fileURLWithPath: file))

            let error = #expect(throws: StreamFileMalformed.self) {
                try EmbeddedLog.open(directory: path, logger: silent)
            }

            #expect(error?.file == file)
        }
    }

    @Test func `the shards of a new stream cover all hash keys`() async throws {
        try await withLog { log in
            let shards = try log.createStream("flights", shardCount: 7).listShards()

            #expect(shards.map(\.hashKeyRange) == HashKeyRange.even(count: 7))
            #expect(shards.map(\.id) == (0..<7).map(ShardID.init(number:)))
            #expect(shards.allSatisfy { $0.isOpen })
        }
    }

    @Test func `a replaced shard ends, and its children have larger numbers`() async throws {
        try await withTemporaryDirectory { path in
            try await reopened(path) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                let before = await stream.append(each: ["a", "b"])

                let children = try await stream.replace([.first], with: HashKeyRange.even(count: 2))

                let after = await stream.append(each: ["c"])
                let parent = try #require(try stream.listShards().first)
                #expect(parent.endingSequenceNumber == before[1])
                #expect(children.map(\.parent) == [.first, .first])
                #expect(before[1] < children[0].startingSequenceNumber)
                #expect(children[0].startingSequenceNumber < after[0])
                #expect(try stream.readAll(children[0].id).payloads == ["c"])
                await #expect(throws: ReshardRefusal.closed(.first)) {
                    try await stream.replace([.first], with: [])
                }
            }
            try await reopened(path) { log in
                let stream = try log.stream("flights")
                let start = try stream.cursor(in: .first, at: .trimHorizon)
                let first = try stream.read(.first, from: start, maxRecords: 1, maxBytes: 100)
                let second = try stream.read(.first, from: first.next, maxRecords: 1, maxBytes: 100)
                #expect(!first.result.isEnd)
                #expect(second.result.isEnd && second.result.batch.payloads == ["b"])
                #expect(try stream.read(.first, from: second.next, maxRecords: 1, maxBytes: 100).result.isEnd)
            }
        }
    }

    @Test func `merged shards are both parents of their child`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 2)
            let second = ShardID(number: 1)

            let children = try await stream.replace([.first, second], with: HashKeyRange.even(count: 1))

            #expect(children[0].parents == [.first, second])
            #expect(children[0].id == ShardID(number: 2))
        }
    }

    @Test func `appends during a replacement all arrive, in order`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            async let appended: Void = {
                for number in 0..<300 {
                    let result = await stream.append(NewRecords(["\(number)"]))
                    #expect(result.isComplete)
                }
            }()
            var tip = ShardID.first
            for _ in 0..<5 {
                tip = try await stream.replace([tip], with: HashKeyRange.even(count: 1))[0].id
            }
            await appended

            let shards = try stream.listShards()
            let read = try shards.flatMap { try stream.readAll($0.id).payloads }
            #expect(shards.count == 6)
            #expect(read == (0..<300).map(String.init))
        }
    }

    @Test func `opening thousands of shards touches only those with records`() async throws {
        try await withTemporaryDirectory { path in
            try await reopened(path) { log in
                let stream = try log.createStream("flights", shardCount: 5000)
                await stream.append(each: ["a"])
            }
            try await reopened(path) { log in
                #expect(try files(in: path, suffix: ".log").count == 1)
                let read = try log.payloads()
                #expect(read == ["a"])
            }
        }
    }
}
