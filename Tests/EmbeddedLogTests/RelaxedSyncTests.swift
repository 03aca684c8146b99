import Foundation
import StreamCore
import Synchronization
import TestSupport
import Testing

@testable import EmbeddedLog

/// One shard of a relaxed log, synced when the test says so.
@Suite struct RelaxedSyncTests {
    private func withShard(
        _ disk: ForgetfulDisk,
        _ body: (ShardLog) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { path in
            var options = LogOptions()
            options.durability = .relaxed
            options.segmentBytes = 4096
            options.files = disk.operations
            let environment = LogEnvironment(
                options: options,
                cache: SegmentFileCache(limit: 8),
                committers: CommitQueue(threadCount: 2, syncsPeriodically: false),
                logger: silent
            )
            let shard = ShardLog(
                stream: "flights",
                numbers: ShardNumbers(createdSeconds: 1, shard: 0),
                directory: path + "/shardId-000000000000",
                environment: environment,
                state: ShardLog.State()
            )
            defer { environment.committers.stop() }
            try await body(shard)
        }
    }

    private func append(_ payload: String, to shard: ShardLog) async -> (any Error)? {
        let ticket = AppendTicket()
        _ = shard.enqueue(NewRecords([payload]), [0], now: 1, ticket: ticket)
        return await ticket.wait()[0]
    }

    /// Does not fit into the segment that has other records.
    private let large = String(repeating: "x", count: 4096)

    @Test func `pages lost when a segment is completed are written again first`() async throws {
        let disk = ForgetfulDisk()
        try await withShard(disk) { shard in
            #expect(await append("a", to: shard) == nil)

            disk.failNextSync()
            let failure = await append(large, to: shard) as? LogFileFailure

            #expect(failure?.errno == EIO)
            #expect(disk.lostBytes > 0)
            #expect(await append(large, to: shard) == nil)
            #expect(disk.lostBytes == 0)
            #expect(shard.state.withLock { $0.segments.count } == 2)
        }
    }

    @Test func `no segment begins while the sync of the one before may have failed`() async throws {
        let (entered, gate) = (Recorder<Int>(), BlockingGate())
        let disk = ForgetfulDisk {
            entered.append(1)
            gate.pass()
        }
        try await withShard(disk) { shard in
            #expect(await append("a", to: shard) == nil)
            disk.failNextSync()
            gate.close()
            let syncing = Thread { shard.sync() }
            syncing.start()
            await entered.wait(for: 1)

            // Its own sync of the first segment would succeed now.
            async let rolling = append(large, to: shard)
            while shard.pendingAppends > 0 { await Task.yield() }
            for _ in 0..<1000 { await Task.yield() }
            #expect(shard.state.withLock { $0.segments.count } == 1)
            gate.open()

            _ = await rolling
            #expect(await append(large, to: shard) == nil)
            #expect(disk.lostBytes == 0)
        }
    }

    @Test func `an append that was accepted while the committers ended is answered`() async throws {
        try await withShard(ForgetfulDisk()) { shard in
            #expect(await append("a", to: shard) == nil)
            shard.environment.committers.stop()

            let failure = await append("late", to: shard)

            #expect(failure is LogClosed)
            #expect(shard.pendingAppends == 0)
            // Would wait for a committer otherwise.
            await shard.roll()
            let isSafe = try shard.finish()
            #expect(isSafe)
        }
    }

    @Test func `a relaxed log syncs again and again by itself`() async throws {
        let disk = ForgetfulDisk()
        var options = LogOptions()
        options.durability = .relaxed
        options.files = disk.operations
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            for number in 0..<5 {
                await stream.append(each: ["\(number)"])

                while disk.dirtyBytes > 0 { await Task.yield() }
            }
        }
    }
}
