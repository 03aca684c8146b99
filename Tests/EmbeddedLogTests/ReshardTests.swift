import EmbeddedLog
import Foundation
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite struct ReshardTests {
    private static let second = ShardID(number: 1)
    private static let quarter: UInt128 = 1 << 126

    @Test func `a split shard ends, and each child takes its part of the keys`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 2)
            await stream.append(each: ["before"])

            let children = try await stream.split(.first, at: Self.quarter)

            _ = await stream.append(NewRecords(["low"], hashKey: Self.quarter - 1))
            _ = await stream.append(NewRecords(["high"], hashKey: Self.quarter))
            #expect(children.map(\.id) == [ShardID(number: 2), ShardID(number: 3)])
            #expect(children.allSatisfy { $0.isOpen && $0.parents == [.first] })
            #expect(try stream.readAll().payloads == ["before"])
            #expect(try stream.readAll(children[0].id).payloads == ["low"])
            #expect(try stream.readAll(children[1].id).payloads == ["high"])
        }
    }

    @Test func `neighbours merge in either order`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 3)

            let child = try await stream.merge(ShardID(number: 2), with: Self.second)

            #expect(child.parents == [ShardID(number: 2), Self.second])
            #expect(child.hashKeyRange.start == HashKeyRange.even(count: 3)[1].start)
            #expect(child.hashKeyRange.end == .max)
        }
    }

    @Test func `what cannot be split or merged is refused, and nothing changes`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 3)
            let range = HashKeyRange.even(count: 3)[0]
            let third = ShardID(number: 2)

            for key in [range.start, range.end + 1] {
                await #expect(throws: ReshardRefusal.keyOutside(range)) {
                    try await stream.split(.first, at: key)
                }
            }
            await #expect(throws: ReshardRefusal.notAdjacent(.first, third)) {
                try await stream.merge(.first, with: third)
            }
            await #expect(throws: ReshardRefusal.notAdjacent(.first, .first)) {
                try await stream.merge(.first, with: .first)
            }
            await #expect(throws: ShardNotFound(stream: "flights", shard: "shardId-000000000009")) {
                try await stream.merge(.first, with: "shardId-000000000009")
            }
            await #expect(throws: ReshardRefusal.moreThanDouble(open: 3)) { try await stream.scale(to: 7) }
            await #expect(throws: ReshardRefusal.lessThanHalf(open: 3)) { try await stream.scale(to: 1) }
            #expect(try stream.listShards().map(\.isOpen) == [true, true, true])

            try await stream.split(.first, at: 5)
            await #expect(throws: ReshardRefusal.closed(.first)) { try await stream.split(.first, at: 5) }
        }
    }

    @Test func `a scaled stream has the ranges of a new one, and its records`() async throws {
        try await withTemporaryDirectory { path in
            try await reopened(path) { log in
                let stream = try log.createStream("flights", shardCount: 2)
                for (round, count) in [3, 6, 5, 10, 7, 4, 2, 1].enumerated() {
                    var records = NewRecords()
                    for key in 0..<8 {
                        records.append(
                            partitionKey: "\(key)",
                            hashKey: UInt128(key) << 125,
                            payload: "\(key) \(round)".utf8
                        )
                    }
                    #expect(await stream.append(records).isComplete)

                    try await stream.scale(to: count)

                    let open = try stream.listShards().filter(\.isOpen).map(\.hashKeyRange)
                    #expect(open.sorted { $0.start < $1.start } == HashKeyRange.even(count: count))
                }
            }
            try await reopened(path) { log in
                let reading = try StreamReading(of: try log.stream("flights"))
                reading.expectWholeLineage()
                reading.expectOrder()
                #expect(reading.records.count == 64)
            }
        }
    }

    @Test func `shards on the way are closed, empty and read to their end at once`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 2)

            try await stream.scale(to: 3)

            let shards = try stream.listShards()
            let onTheWay = shards.filter { !$0.isOpen && !$0.parents.isEmpty }
            #expect(onTheWay.count == 2)
            for shard in onTheWay {
                let reader = try await stream.reader(of: shard.id, from: .trimHorizon)
                #expect(try await reader.read(maxRecords: 1, maxBytes: 1, wait: .zero).isEnd)
            }
        }
    }

    @Test func `whoever watches the shards is woken by each reshard`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let signal = WakeSignal()
            let clock = TestClock()

            try await stream.wakingOnShardChange(signal) {
                try await stream.split(.first, at: 5)
                #expect(await signal.wait(upTo: .seconds(60), on: clock))
                async let isWoken = signal.wait(upTo: .seconds(60), on: clock)
                await clock.waitForSleepers()
                try await stream.scale(to: 2)
                #expect(await isWoken)
            }

            try await stream.scale(to: 4)
            async let isWoken = signal.wait(upTo: .seconds(60), on: clock)
            await clock.waitForSleepers()
            clock.advance(by: .seconds(60))
            #expect(await !isWoken)
        }
    }

    @Test func `a reshard that cannot be recorded leaves the parents open`() async throws {
        let disk = FaultyFiles()
        var options = LogOptions()
        options.files = disk.operations
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])
            disk.failWrites(ENOSPC, path: "stream.json")

            await #expect(throws: LogFileFailure.self) { try await stream.split(.first, at: 5) }

            #expect(!stream.isUpdating)
            await stream.append(each: ["b"])
            #expect(try stream.listShards().map(\.isOpen) == [true])
            disk.heal()
            let children = try await stream.split(.first, at: 5)
            #expect(try stream.readAll().payloads == ["a", "b"])
            #expect(children.map(\.id) == [ShardID(number: 1), ShardID(number: 2)])
        }
    }

    @Test func `a reshard that failed although its file is in place is finished at the next opening`()
        async throws
    {
        let disk = FaultyFiles()
        let isFailing = Mutex(false)
        var options = LogOptions()
        options.files = disk.operations
        options.files.syncDirectory = { path throws(LogFileFailure) in
            guard isFailing.withLock(\.self) else { return try FileOperations.system.syncDirectory(path) }
            // Nor can the old file be put back.
            disk.failWrites(EIO, path: "stream.json")
            throw LogFileFailure(action: "syncing", file: path, errno: EIO)
        }
        try await withTemporaryDirectory { path in
            let log = try EmbeddedLog.open(directory: path, options: options, logger: silent)
            defer { log.close() }
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])
            isFailing.withLock { $0 = true }
            await #expect(throws: LogFileFailure.self) { try await stream.split(.first, at: 5) }
            let late = await stream.append(each: ["b"])

            try await withCrashedCopy(of: path) { copy in
                try await reopened(copy) { log in
                    let stream = try log.stream("flights")
                    let shards = try stream.listShards()
                    #expect(shards.map(\.isOpen) == [false, true, true])
                    #expect(shards[0].endingSequenceNumber == late[0])
                    #expect(try stream.readAll().payloads == ["a", "b"])
                    try StreamReading(of: stream).expectWholeLineage()
                }
            }
        }
    }

    @Test func `a stream that is deleted meanwhile says so to a reshard`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            try log.deleteStream("flights")

            await #expect(throws: StreamNotFound(stream: "flights")) {
                try await stream.split(.first, at: 5)
            }
        }
    }

    @Test func `a relaxed log has a shard on disk before it is closed`() async throws {
        let disk = ForgetfulDisk()
        var options = LogOptions()
        options.durability = .relaxed
        options.files = disk.operations
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a", "b"])

            try await stream.split(.first, at: 5)

            #expect(disk.dirtyBytes == 0)
            #expect(disk.lostBytes == 0)
        }
    }
}
