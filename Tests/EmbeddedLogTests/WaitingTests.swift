import EmbeddedLog
import StreamCore
import TestSupport
import Testing

@Suite struct WaitingTests {
    private func options(_ clock: TestClock) -> LogOptions {
        var options = LogOptions()
        options.clock = clock
        return options
    }

    private func reader(_ stream: EmbeddedStream) async throws -> any ShardReader {
        try await stream.reader(of: .first, from: .trimHorizon)
    }

    @Test func `a waiting reader gets the next record`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            await stream.append(each: ["a"])

            #expect(try await waiting.value.batch.payloads == ["a"])
        }
    }

    @Test func `a reader stops waiting when the time is over`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(60))

            let result = try await waiting.value
            #expect(result.batch.isEmpty && !result.isEnd)
        }
    }

    @Test func `a cancelled reader has skipped nothing`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }

            await stream.append(each: ["a"])
            let next = try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .zero)
            #expect(next.batch.payloads == ["a"])
        }
    }

    @Test func `draining ends a wait and skips nothing`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)
            let drain = DrainSignal()

            let waiting = Task {
                try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60), until: drain)
            }
            await clock.waitForSleepers()
            drain.request()
            #expect(try await waiting.value == nil)

            await stream.append(each: ["a"])
            let next = try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .zero)
            #expect(next.batch.payloads == ["a"])
        }
    }

    @Test func `a waiting reader learns that the stream was deleted`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            try log.deleteStream("flights")

            await #expect(throws: StreamNotFound(stream: "flights")) { try await waiting.value }
        }
    }

    @Test func `a waiting reader learns that the log was closed`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            log.close()

            await #expect(throws: LogClosed.self) { try await waiting.value }
        }
    }

    @Test func `a waiting reader learns that the shard has ended`() async throws {
        let clock = TestClock()
        try await withLog(options(clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await reader(stream)

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            _ = try await stream.replace([.first], with: HashKeyRange.even(count: 2))

            #expect(try await waiting.value.isEnd)
        }
    }

    @Test func `a reader from a time on waits past records that are too early`() async throws {
        let clock = TestClock()
        let wallClock = WallClock(1000)
        var options = options(clock)
        options.wallClock = { wallClock.now }
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let reader = try await stream.reader(
                of: .first,
                from: .atTimestamp(Timestamp(milliseconds: 2000))
            )

            let waiting = Task { try await reader.read(maxRecords: 10, maxBytes: 1000, wait: .seconds(60)) }
            await clock.waitForSleepers()
            await stream.append(each: ["early"])
            wallClock.set(2000)
            await stream.append(each: ["in time"])

            #expect(try await waiting.value.batch.payloads == ["in time"])
        }
    }

    @Test func `whoever waits for a stream gets it when it is created`() async throws {
        try await withLog { log in
            let waiting = Task { try await log.existingStream("flights") }
            try log.createStream("other", shardCount: 1)
            try log.createStream("flights", shardCount: 2)

            #expect(try await waiting.value.listShards().count == 2)
        }
    }

    @Test func `waiting for a stream can be cancelled`() async throws {
        try await withLog { log in
            let waiting = Task { try await log.existingStream("flights") }
            waiting.cancel()

            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }
}
