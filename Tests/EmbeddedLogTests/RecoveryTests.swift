import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

@Suite struct RecoveryTests {
    private func edit(_ file: String, _ change: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: file))
        change(&data)
        try data.write(to: URL(fileURLWithPath: file))
    }

    /// Where each record of one-segment logs ends.
    private func recordEnds(_ payloads: [String]) -> [Int] {
        var end = 48
        return payloads.map { payload in
            end += 32 + "key".utf8.count + payload.utf8.count
            return end
        }
    }

    @Test func `a closed log reads the same when it is opened again`() async throws {
        try await withTemporaryDirectory { path in
            let numbers = try await reopened(path) { log in
                let stream = try log.createStream(
                    "flights",
                    shardCount: 2,
                    retention: .hours(48),
                    mode: .onDemand,
                    tags: ["env": "test"]
                )
                try stream.changeTags { $0["team"] = "ops" }
                return await stream.append(each: ["a", "b"])
            }
            try await reopened(path) { log in
                let stream = try log.stream("flights")

                let more = await stream.append(each: ["c"])

                #expect(try stream.readAll().payloads == ["a", "b", "c"])
                #expect(try stream.readAll().entries.map(\.sequenceNumber) == numbers + more)
                // Nothing was lost, so no number is skipped.
                #expect(more == numbers.suffix(1).map(\.successor))
                #expect(stream.retention == .hours(48))
                #expect(stream.tags == ["env": "test", "team": "ops"])
                #expect(stream.mode == .onDemand)
            }
        }
    }

    @Test func `a torn tail is cut at the last whole record, wherever it is torn`() async throws {
        let payloads = ["a", "", "a longer payload", "d"]
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let numbers = await stream.append(each: payloads)
            let ends = recordEnds(payloads)
            let size = try #require(ends.last)
            for length in 0...size {
                try await withCrashedCopy(of: log.directory) { copy in
                    let segment = try #require(try files(in: copy, suffix: ".log").first)
                    try edit(segment) { $0 = $0.prefix(length) }
                    let whole = ends.prefix { $0 <= length }.count
                    try await reopened(copy) { log in
                        let stream = try log.stream("flights")
                        #expect(
                            try stream.readAll().payloads == Array(payloads.prefix(whole)),
                            "\(length) bytes"
                        )

                        let next = await stream.append(each: ["next"])

                        #expect(try stream.readAll().payloads == payloads.prefix(whole) + ["next"])
                        if !([48] + ends).contains(length), length > 48 {
                            let last = try #require(numbers.last)
                            #expect(next[0] > last, "a number that was cut off stands for another record")
                        }
                    }
                }
            }
        }
    }

    @Test func `a tail of garbage is cut off`() async throws {
        var random = SeededRandom()
        print("seed \(random.seed)")
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a", "b"])
            for length in [1, 31, 32, 33, 500, 70_000] {
                try await withCrashedCopy(of: log.directory) { copy in
                    let segment = try #require(try files(in: copy, suffix: ".log").first)
                    let isZero = Bool.random(using: &random)
                    let garbage = (0..<length).map { _ in
                        isZero ? 0 : UInt8.random(in: 0...255, using: &random)
                    }
                    try edit(segment) { $0.append(contentsOf: garbage) }
                    try await reopened(copy) { log in
                        let stream = try log.stream("flights")
                        await stream.append(each: ["c"])
                        #expect(try stream.readAll().payloads == ["a", "b", "c"])
                    }
                    try await reopened(copy) { log in
                        let read = try log.payloads()
                        #expect(read == ["a", "b", "c"])
                    }
                }
            }
        }
    }

    @Test func `a hole in the last write is cut off with what was written behind it`() async throws {
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])
            // One write: none of its records was answered before all of them were synced.
            _ = await stream.append(NewRecords(["b", "c", "d"]))
            try await withCrashedCopy(of: log.directory) { copy in
                let segment = try #require(try files(in: copy, suffix: ".log").first)
                let ends = recordEnds(["a", "b", "c", "d"])
                try edit(segment) { $0.resetBytes(in: ends[1]..<ends[1] + 20) }

                try await reopened(copy) { log in
                    let stream = try log.stream("flights")
                    await stream.append(each: ["e"])
                    #expect(try stream.readAll().payloads == ["a", "b", "e"])
                }
            }
        }
    }

    @Test func `a damaged record is an error that names file and byte, and other shards go on`() async throws
    {
        let payloads = ["a", "b", "c", "d"]
        try await withLog { log in
            let stream = try log.createStream("flights", shardCount: 2)
            await stream.append(each: payloads)
            _ = await stream.append(NewRecords(["other"], hashKey: .max))
            let ends = recordEnds(payloads)
            for offset in ends[0]..<ends[2] {
                try await withCrashedCopy(of: log.directory) { copy in
                    let segment = try #require(
                        try files(in: copy, suffix: "0000000/00000000000000000001.log").first
                    )
                    try edit(segment) { $0[offset] ^= 0x40 }
                    let damaged = offset < ends[1] ? 1 : 2
                    try await expectDamage(in: copy, file: segment, payloads: payloads, damaged: damaged)
                }
            }
        }
    }

    private func expectDamage(in directory: String, file: String, payloads: [String], damaged: Int)
        async throws
    {
        let corruption = LogCorrupted(file: file, offset: ([48] + recordEnds(payloads))[damaged])
        for _ in 0..<2 {
            try await reopened(directory) { log in
                let stream = try log.stream("flights")
                let start = try stream.cursor(in: .first, at: .trimHorizon)
                let good = try stream.read(.first, from: start, maxRecords: 10, maxBytes: 1000)
                #expect(good.result.batch.payloads == Array(payloads.prefix(damaged)))
                #expect(throws: corruption) {
                    try stream.read(.first, from: good.next, maxRecords: 10, maxBytes: 1000)
                }
                #expect(try stream.readAll(ShardID(number: 1)).payloads == ["other"])

                // New records are stored and can be read, they are just not reached from before the damage.
                let number = await stream.append(each: ["new"])[0]
                #expect(try stream.readAll(from: .atSequenceNumber(number)).payloads == ["new"])
            }
        }
    }

    @Test func `damage in a log that was closed is found when it is read`() async throws {
        try await withTemporaryDirectory { path in
            try await reopened(path) { log in
                try await log.createStream("flights", shardCount: 1).append(each: ["a", "b", "c"])
            }
            let segment = try #require(try files(in: path, suffix: ".log").first)
            let offset = recordEnds(["a", "b"])[0]
            try edit(segment) { $0[offset + 33] ^= 1 }

            try await reopened(path) { log in
                let stream = try log.stream("flights")
                #expect(throws: LogCorrupted(file: segment, offset: offset)) { try stream.readAll() }
            }
        }
    }

    @Test func `moving a damaged segment away gives up its records only`() async throws {
        var options = LogOptions()
        options.segmentBytes = 4096
        try await withTemporaryDirectory { path in
            let payloads = (0..<300).map { "payload \($0)" }
            try await reopened(path, options) { log in
                try await log.createStream("flights", shardCount: 1).append(each: payloads)
            }
            let segments = try files(in: path, suffix: ".log")
            try FileManager.default.removeItem(atPath: segments[1])

            try await reopened(path, options) { log in
                let read = try log.stream("flights").readAll().payloads
                #expect(read.count < 300 && read.first == payloads.first && read.last == payloads.last)
                #expect(Set(read).count == read.count)
            }
        }
    }

    @Test func `numbers that a relaxed log may have lost are never issued again`() async throws {
        var options = LogOptions()
        options.durability = .relaxed
        try await withTemporaryDirectory { path in
            let log = try EmbeddedLog.open(directory: path, options: options, logger: silent)
            defer { log.close() }
            let stream = try log.createStream("flights", shardCount: 2)
            let numbers = await stream.append(each: ["a", "b", "c"])
            try await withCrashedCopy(of: path) { copy in
                // The power took the last record with it.
                let segment = try #require(try files(in: copy, suffix: ".log").first)
                try edit(segment) { $0 = $0.prefix(recordEnds(["a", "b"])[1]) }
                // Opened and closed without a record: the numbers stay at risk.
                try await reopened(copy) { _ in }
                try await reopened(copy) { log in
                    let next = try await log.stream("flights").append(each: ["d"])
                    #expect(next[0].low >= numbers[2].low + 1 << 32)
                }
            }
        }
    }

    @Test func `a relaxed log that was closed skips no numbers`() async throws {
        var options = LogOptions()
        options.durability = .relaxed
        try await withTemporaryDirectory { path in
            let first = try await reopened(path, options) { log in
                try await log.createStream("flights", shardCount: 1).append(each: ["a"])
            }
            let second = try await reopened(path, options) { log in
                try await log.stream("flights").append(each: ["b"])
            }
            #expect(second[0] == first[0].successor)
        }
    }

    @Test func `what a killed process had written is read after the next opening`() async throws {
        var options = LogOptions()
        options.durability = .relaxed
        try await withTemporaryDirectory { path in
            let log = try EmbeddedLog.open(directory: path, options: options, logger: silent)
            defer { log.close() }
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a", "b"])

            try await withCrashedCopy(of: path) { copy in
                try await reopened(copy, options) { log in
                    let read = try log.payloads()
                    #expect(read == ["a", "b"])
                }
            }
        }
    }

    @Test func `a segment that a crash left without a header is forgotten`() async throws {
        try await withTemporaryDirectory { path in
            let number = try await reopened(path) { log in
                try await log.createStream("flights", shardCount: 1).append(each: ["a"])[0]
            }
            let segment = try #require(try files(in: path, suffix: ".log").first)
            let unfinished = segment.replacingOccurrences(of: "1.log", with: "2.log")
            try Data("mill".utf8).write(to: URL(fileURLWithPath: unfinished))

            try await reopened(path) { log in
                let stream = try log.stream("flights")
                #expect(await stream.append(each: ["b"]) == [number.successor])
                #expect(try stream.readAll().payloads == ["a", "b"])
            }
        }
    }
}
