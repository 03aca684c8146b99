import EmbeddedLog
import Logging
import StreamCore
import TestSupport
import Testing

@Suite struct RetentionTests {
    private func options(_ clock: WallClock) -> LogOptions {
        var options = LogOptions(wallClock: clock)
        options.segmentAge = .seconds(3600)
        return options
    }

    @Test func `records older than the retention period go, younger ones stay`() async throws {
        let clock = WallClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1, retention: .hours(3))
            for hour in 0..<6 {
                await stream.append(each: ["hour \(hour)"])
                clock.advance(hours: 1)
            }

            await log.enforceRetention(now: clock.now)

            #expect(try stream.readAll().payloads == ["hour 3", "hour 4", "hour 5"])
            #expect(try files(in: log.directory, suffix: ".log").count == 3)
        }
    }

    @Test func `a quiet shard's records expire, and its numbers go on`() async throws {
        let clock = WallClock()
        try await withTemporaryDirectory { path in
            let last = try await reopened(path, options(clock)) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                let last = await stream.append(each: ["a", "b"])[1]
                clock.advance(hours: 25)

                await log.enforceRetention(now: clock.now)

                #expect(try stream.readAll().isEmpty)
                #expect(try await stream.pin(.latest, in: .first) == .at(last))
                return last
            }
            try await reopened(path, options(clock)) { log in
                let stream = try log.stream("flights")
                #expect(await stream.append(each: ["c"]) == [last.successor])
                #expect(try stream.readAll().payloads == ["c"])
            }
        }
    }

    @Test func `a reader whose place has expired goes on at the oldest record`() async throws {
        let clock = WallClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1, retention: .hours(2))
            let reader = try await stream.reader(of: .first, from: .trimHorizon)
            for hour in 0..<5 {
                await stream.append(each: ["hour \(hour)"])
                clock.advance(hours: 1)
            }
            let first = try await reader.read(maxRecords: 1, maxBytes: 1000, wait: .zero)

            await log.enforceRetention(now: clock.now)

            #expect(first.batch.payloads == ["hour 0"])
            let next = try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .zero)
            #expect(next.batch.payloads == ["hour 3"])
        }
    }

    /// Five records, an hour each, of which the last two are kept.
    private func withExpiredRecords(
        _ body: (EmbeddedStream, _ numbers: [SequenceNumber], _ warnings: Recorder<String>) async throws ->
            Void
    ) async throws {
        let clock = WallClock()
        let warnings = Recorder<String>()
        try await withTemporaryDirectory { path in
            let log = try EmbeddedLog.open(
                directory: path,
                options: options(clock),
                logger: .recordingWarnings(in: warnings)
            )
            defer { log.close() }
            let stream = try log.createStream("flights", shardCount: 1, retention: .hours(2))
            var numbers: [SequenceNumber] = []
            for hour in 0..<5 {
                numbers += await stream.append(each: ["hour \(hour)"])
                clock.advance(hours: 1)
            }
            await log.enforceRetention(now: clock.now)
            try await body(stream, numbers, warnings)
        }
    }

    @Test func `records that expired before they were read are told once`() async throws {
        try await withExpiredRecords { stream, numbers, warnings in
            let reader = try await stream.reader(of: .first, from: .afterSequenceNumber(numbers[0]))

            for _ in 0..<3 { _ = try await reader.read(maxRecords: 1, maxBytes: 1000, wait: .zero) }

            #expect(
                warnings.events == [
                    "records expired before they were read: from=\(numbers[1]) shard=shardId-000000000000 "
                        + "stream=flights to=\(numbers[3])"
                ]
            )
        }
    }

    @Test(arguments: [Position.trimHorizon, .atTimestamp(Timestamp(milliseconds: 0)), .latest])
    func `a reader that begins at no record in particular has lost none`(position: Position) async throws {
        try await withExpiredRecords { stream, _, warnings in
            let reader = try await stream.reader(of: .first, from: position)

            _ = try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .zero)

            #expect(warnings.events.isEmpty)
        }
    }

    @Test func `a reader that has read everything that expired has lost none`() async throws {
        try await withExpiredRecords { stream, numbers, warnings in
            let reader = try await stream.reader(of: .first, from: .afterSequenceNumber(numbers[2]))

            let read = try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .zero)

            #expect(read.batch.payloads == ["hour 3"])
            #expect(warnings.events.isEmpty)
        }
    }

    @Test func `numbers that a recovery skipped are not told as expired records`() async throws {
        let clock = WallClock()
        let warnings = Recorder<String>()
        var options = options(clock)
        options.durability = .relaxed
        try await withTemporaryDirectory { path in
            let log = try EmbeddedLog.open(directory: path, options: options, logger: silent)
            let last = try await log.createStream("flights", shardCount: 1).append(each: ["a", "b"])[1]
            try await withCrashedCopy(of: path) { copy in
                let log = try EmbeddedLog.open(
                    directory: copy,
                    options: options,
                    logger: .recordingWarnings(in: warnings)
                )
                defer { log.close() }
                let stream = try log.stream("flights")
                clock.advance(hours: 25)
                await log.enforceRetention(now: clock.now)
                let reader = try await stream.reader(of: .first, from: .afterSequenceNumber(last))

                await stream.append(each: ["c"])
                let read = try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .zero)

                #expect(read.batch.payloads == ["c"])
                #expect(read.batch.first?.sequenceNumber != last.successor)
                #expect(warnings.events.isEmpty)
            }
            log.close()
        }
    }

    @Test func `a stream without a retention period keeps everything`() async throws {
        let clock = WallClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1, retention: .unlimited)
            await stream.append(each: ["a"])
            clock.advance(hours: 100_000)
            await stream.append(each: ["b"])

            await log.enforceRetention(now: clock.now)
            #expect(try stream.readAll().payloads == ["a", "b"])

            try stream.setRetention(.hours(24))
            await log.enforceRetention(now: clock.now)
            #expect(try stream.readAll().payloads == ["b"])
        }
    }

    @Test func `the log looks for expired records at intervals`() async throws {
        let (wallClock, clock) = (WallClock(), TestClock())
        var options = options(wallClock)
        options.clock = clock
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])
            let running = Task { await log.run() }
            await clock.waitForSleepers()
            #expect(try stream.readAll().count == 1)

            wallClock.advance(hours: 25)
            clock.advance(by: options.retentionInterval)
            await clock.waitForSleepers()

            #expect(try stream.readAll().isEmpty)
            running.cancel()
            await running.value
        }
    }

    @Test func `a closed shard is forgotten when all of it has expired`() async throws {
        let clock = WallClock()
        try await withTemporaryDirectory { path in
            try await reopened(path, options(clock)) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                await stream.append(each: ["a"])
                let children = try await stream.replace([.first], with: HashKeyRange.even(count: 2))
                clock.advance(hours: 23)
                await log.enforceRetention(now: clock.now)
                #expect(try stream.listShards().map(\.id) == [.first] + children.map(\.id))

                clock.advance(hours: 2)
                await log.enforceRetention(now: clock.now)

                #expect(try stream.listShards().map(\.id) == children.map(\.id))
                #expect(try stream.listShards().allSatisfy { $0.parents.isEmpty })
                #expect(throws: ShardNotFound(stream: "flights", shard: .first)) { try stream.readAll() }
            }
            try await reopened(path, options(clock)) { log in
                let stream = try log.stream("flights")
                #expect(try stream.listShards().count == 2)
                let grandchildren = try await stream.replace(
                    ["shardId-000000000001"],
                    with: [
                        try stream.listShards()[0].hashKeyRange
                    ]
                )
                #expect(grandchildren.map(\.id) == ["shardId-000000000003"])
            }
        }
    }
}
