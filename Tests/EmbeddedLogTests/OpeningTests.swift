import Foundation
import StreamCore
import Synchronization
import TestSupport
import Testing

@testable import EmbeddedLog

@Suite struct OpeningTests {
    @Test func `a stream whose making was reported as failed is not there at the next opening`() async throws
    {
        let isFailing = Mutex(true)
        var options = LogOptions()
        options.files.syncDirectory = { path throws(LogFileFailure) in
            if isFailing.withLock(\.self) { throw LogFileFailure(action: "syncing", file: path, errno: EIO) }
        }
        try await withTemporaryDirectory { path in
            try await reopened(path, options) { log in
                #expect(throws: LogFileFailure.self) { try log.createStream("flights", shardCount: 1) }
                #expect(log.streamNames.isEmpty)
                let left = try folders(in: path)
                #expect(left.isEmpty)
            }
            try await reopened(path, options) { log in
                #expect(log.streamNames.isEmpty)
                isFailing.withLock { $0 = false }
                try await log.createStream("flights", shardCount: 1).append(each: ["a"])
            }
            try await reopened(path, options) { log in
                let read = try log.payloads()
                #expect(read == ["a"])
            }
        }
    }

    @Test(arguments: [false, true])
    func `of two streams of one name the older is set aside`(isClockSetBack: Bool) async throws {
        let clock = WallClock()
        let warnings = Recorder<String>()
        try await withTemporaryDirectory { path in
            let (older, copy) = try await reopened(path, LogOptions(wallClock: clock)) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                await stream.append(each: ["old"])
                let copy = path + "/copy"
                try FileManager.default.copyItem(atPath: stream.directory, toPath: copy)
                clock.advance(hours: isClockSetBack ? -1 : 1)
                try log.deleteStream("flights")
                try await log.createStream("flights", shardCount: 1).append(each: ["new"])
                return (stream.directory, copy)
            }
            // The deletion did not survive a power cut.
            try FileManager.default.moveItem(atPath: copy, toPath: older)

            for _ in 0..<2 {
                let log = try EmbeddedLog.open(directory: path, logger: .recordingWarnings(in: warnings))
                #expect(try log.payloads() == ["new"])
                log.close()
            }

            #expect(warnings.events.count == 1)
            #expect(warnings.events.first?.hasPrefix("older stream of the same name set aside") == true)
            #expect(try folders(in: path).contains { older + ".superseded" == "\(path)/\($0)" })
        }
    }

    @Test func `folders of forgotten shards go at the next opening`() async throws {
        let clock = WallClock()
        let options = LogOptions(wallClock: clock)
        try await withTemporaryDirectory { path in
            let directory = try await reopened(path, options) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                await stream.append(each: ["parent"])
                _ = try await stream.replace([.first], with: HashKeyRange.even(count: 2))
                _ = await stream.append(NewRecords(["child"]))
                clock.advance(hours: 25)
                _ = await stream.append(NewRecords(["young"]))
                await log.enforceRetention(now: clock.now)
                return stream.directory
            }
            let forgotten = "\(directory)/\(ShardID.first)"
            #expect(!FileManager.default.fileExists(atPath: forgotten))
            // The removal was cut short; the other folders are none of the log's business.
            for name in [forgotten, "\(directory)/shardId-000000000009", "\(directory)/notes"] {
                try FileManager.default.createDirectory(
                    atPath: name + "/x",
                    withIntermediateDirectories: true
                )
            }

            try await reopened(path, options) { log in
                let read = try log.stream("flights").readAll(ShardID(number: 1)).payloads
                #expect(read == ["young"])
            }

            #expect(!FileManager.default.fileExists(atPath: forgotten))
            #expect(FileManager.default.fileExists(atPath: "\(directory)/shardId-000000000009/x"))
            #expect(FileManager.default.fileExists(atPath: "\(directory)/notes/x"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "a folder that cannot be removed needs a mounted file system"))
    func `a shard whose folder cannot be removed does not keep the others`() async throws {
        let clock = WallClock()
        try await withLog(LogOptions(wallClock: clock)) { log in
            let stream = try log.createStream("flights", shardCount: 2)
            for shard in 0..<2 {
                let id = ShardID(number: shard)
                _ = await stream.append(NewRecords(["a"], hashKey: shard == 0 ? 0 : .max))
                _ = try await stream.replace([id], with: [HashKeyRange.even(count: 2)[shard]])
            }
            let stuck = "\(stream.directory)/\(ShardID.first)/mounted"
            try FileManager.default.createDirectory(atPath: stuck, withIntermediateDirectories: true)
            try #require(mount("tmpfs", stuck, "tmpfs", 0, nil) == 0)
            defer { umount2(stuck, Int32(MNT_DETACH)) }
            clock.advance(hours: 25)

            await #expect(throws: (any Error).self) { try await stream.enforceRetention(now: clock.now) }

            #expect(try stream.listShards().map(\.id) == [ShardID(number: 2), ShardID(number: 3)])
            #expect(stream.allShards.count == 2)
            #expect(!FileManager.default.fileExists(atPath: "\(stream.directory)/\(ShardID(number: 1))"))
        }
    }

    private func folders(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.contains(".stream") }
    }
}
