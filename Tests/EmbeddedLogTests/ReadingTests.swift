import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

@Suite struct ReadingTests {
    @Test func `records are read as they were appended, with ascending numbers`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)

            let result = await stream.append(NewRecords(["a", "", "ccc"]))

            let batch = try stream.readAll()
            #expect(result.isComplete)
            #expect(batch.payloads == ["a", "", "ccc"])
            #expect(batch.partitionKey(at: 2) == "key")
            #expect(batch.entries.map(\.sequenceNumber) == result.entries.map(\.sequenceNumber))
            #expect(result.entries[0].sequenceNumber < result.entries[1].sequenceNumber)
            let shard = try #require(try await stream.shards().first)
            #expect(shard.startingSequenceNumber < result.entries[0].sequenceNumber)
        }
    }

    @Test func `each record goes to the shard that has its hash key`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 3)
            let shards = try await stream.shards()
            var records = NewRecords()
            for (number, shard) in shards.enumerated() {
                records.append(
                    partitionKey: "s",
                    hashKey: shard.hashKeyRange.start,
                    payload: "start \(number)".utf8
                )
                records.append(
                    partitionKey: "e",
                    hashKey: shard.hashKeyRange.end,
                    payload: "end \(number)".utf8
                )
            }

            let result = await stream.append(records)

            #expect(result.entries.map(\.shard) == [0, 0, 1, 1, 2, 2])
            for (number, shard) in shards.enumerated() {
                #expect(try stream.readAll(shard.id).payloads == ["start \(number)", "end \(number)"])
            }
        }
    }

    @Test func `a read stops at its limits and the next goes on`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["aaaaaaa", "bbbbbbb", "ccccccc", "ddddddd"])
            let start = try stream.cursor(in: .first, at: .trimHorizon)

            // A record has ten bytes, its key among them.
            let byCount = try stream.read(.first, from: start, maxRecords: 3, maxBytes: 1000)
            let byBytes = try stream.read(.first, from: start, maxRecords: 10, maxBytes: 29)
            let tooLarge = try stream.read(.first, from: start, maxRecords: 10, maxBytes: 1)
            let rest = try stream.read(.first, from: byCount.next, maxRecords: 10, maxBytes: 1000)

            #expect(byCount.result.batch.count == 3)
            #expect(byBytes.result.batch.count == 2)
            #expect(tooLarge.result.batch.payloads == ["aaaaaaa"])
            #expect(rest.result.batch.payloads == ["ddddddd"])
            let again = try stream.read(.first, from: rest.next, maxRecords: 10, maxBytes: 1000)
            #expect(again.result.batch.isEmpty && !again.result.isEnd)
        }
    }

    @Test func `records of very different sizes are all read`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let sizes = [1, 1, 1, 3_000_000, 1, 700_000, 1, 1, 0, 400_000]
            for size in sizes {
                await stream.append(each: [String(repeating: "x", count: size)])
            }

            let batch = try stream.readAll()

            #expect(batch.entries.map { Int($0.payloadBytes) } == sizes)
        }
    }

    @Test func `each kind of position begins at its record`() async throws {
        let clock = WallClock(1000)
        try await withLog(LogOptions(wallClock: clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            var numbers: [SequenceNumber] = []
            for (index, payload) in ["a", "b", "c", "d"].enumerated() {
                clock.set(1000 + Int64(index) * 10)
                numbers += await stream.append(each: [payload])
            }

            func read(_ position: Position) throws -> [String] { try stream.readAll(from: position).payloads }

            #expect(try read(.trimHorizon) == ["a", "b", "c", "d"])
            #expect(try read(.latest) == [])
            #expect(try read(.atSequenceNumber(numbers[2])) == ["c", "d"])
            #expect(try read(.afterSequenceNumber(numbers[2])) == ["d"])
            #expect(try read(.atTimestamp(Timestamp(milliseconds: 0))) == ["a", "b", "c", "d"])
            #expect(try read(.atTimestamp(Timestamp(milliseconds: 1010))) == ["b", "c", "d"])
            #expect(try read(.atTimestamp(Timestamp(milliseconds: 1011))) == ["c", "d"])
            #expect(try read(.atTimestamp(Timestamp(milliseconds: 2000))) == [])
        }
    }

    @Test func `a number of a former stream begins at the oldest record`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])

            #expect(try stream.readAll(from: .afterSequenceNumber(5)).payloads == ["a"])
            let far = SequenceNumber(high: 1, middle: 0, low: 0)
            #expect(try stream.readAll(from: .afterSequenceNumber(far)).payloads == ["a"])
        }
    }

    @Test func `a position in the future takes records from then on`() async throws {
        let clock = WallClock(1000)
        try await withLog(LogOptions(wallClock: clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["early"])
            let start = try stream.cursor(in: .first, at: .atTimestamp(Timestamp(milliseconds: 5000)))
            let before = try stream.read(.first, from: start, maxRecords: 10, maxBytes: 1000)
            await stream.append(each: ["still early"])
            clock.set(5000)
            await stream.append(each: ["in time"])

            let after = try stream.read(.first, from: before.next, maxRecords: 10, maxBytes: 1000)

            #expect(before.result.batch.isEmpty)
            #expect(after.result.batch.payloads == ["in time"])
        }
    }

    @Test func `arrival times never go back when the wall clock does`() async throws {
        let clock = WallClock(5000)
        try await withTemporaryDirectory { path in
            try await reopened(path, LogOptions(wallClock: clock)) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                await stream.append(each: ["a"])
                clock.set(3000)
                await stream.append(each: ["b"])
            }
            try await reopened(path, LogOptions(wallClock: clock)) { log in
                let stream = try log.stream("flights")
                await stream.append(each: ["c"])
                clock.set(6000)
                await stream.append(each: ["d"])

                #expect(try stream.readAll().entries.map(\.arrival.milliseconds) == [5000, 5000, 5000, 6000])
            }
        }
    }

    @Test func `a read tells how far its last record lies behind the newest`() async throws {
        let clock = WallClock(1000)
        try await withLog(LogOptions(wallClock: clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])
            clock.set(1750)
            await stream.append(each: ["b"])
            let start = try stream.cursor(in: .first, at: .trimHorizon)

            let first = try stream.read(.first, from: start, maxRecords: 1, maxBytes: 1000)
            let second = try stream.read(.first, from: first.next, maxRecords: 1, maxBytes: 1000)
            let third = try stream.read(.first, from: second.next, maxRecords: 1, maxBytes: 1000)

            #expect(first.result.millisBehindLatest == 750)
            #expect(second.result.millisBehindLatest == 0)
            #expect(third.result.millisBehindLatest == 0)
        }
    }

    @Test func `a pinned position means the same later`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let empty = try await stream.pin(.latest, in: .first)
            await stream.append(each: ["a", "b"])
            let filled = try await stream.pin(.latest, in: .first)
            await stream.append(each: ["c"])

            let afterEmpty = try #require(empty.resumePosition)
            let afterFilled = try #require(filled.resumePosition)
            #expect(try stream.readAll(from: afterEmpty).payloads == ["a", "b", "c"])
            #expect(try stream.readAll(from: afterFilled).payloads == ["c"])
            #expect(try await stream.pin(.trimHorizon, in: .first) == .start(.trimHorizon))
        }
    }

    @Test func `a wrong hint changes nothing`() async throws {
        var options = LogOptions()
        options.segmentBytes = 4096
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let payloads = (0..<200).map { "payload \($0)" }
            let numbers = await stream.append(each: payloads)
            var random = SeededRandom()
            print("seed \(random.seed)")

            for _ in 0..<500 {
                let index = Int.random(in: 0..<payloads.count, using: &random)
                let hint = ReadCursor.Hint(
                    segment: UInt64.random(in: 0...200, using: &random),
                    offset: UInt32.random(in: 0...5000, using: &random)
                )
                let cursor = ReadCursor(next: numbers[index], hint: hint)
                let read = try stream.read(.first, from: cursor, maxRecords: 1, maxBytes: 1000)
                #expect(read.result.batch.payloads == [payloads[index]])
            }
        }
    }

    @Test func `reading goes on from segment to segment`() async throws {
        var options = LogOptions()
        options.segmentBytes = 4096
        options.openFileLimit = 2
        try await withTemporaryDirectory { path in
            let payloads = (0..<500).map { "payload \($0)" }
            try await reopened(path, options) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                await stream.append(each: payloads)
                #expect(try files(in: path, suffix: ".log").count > 3)
                #expect(try stream.readAll().payloads == payloads)
            }
            // Summaries can be made anew from the records.
            for file in try files(in: path, suffix: ".index") {
                try FileManager.default.removeItem(atPath: file)
            }
            try await reopened(path, options) { log in
                let read = try log.payloads()
                #expect(read == payloads)
            }
        }
    }

    @Test func `an unknown shard is refused`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)

            #expect(throws: ShardNotFound(stream: "flights", shard: "x")) {
                try stream.cursor(in: "x", at: .latest)
            }
        }
    }
}
