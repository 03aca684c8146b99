import Contracts
import Foundation
import StreamCore
import TestSupport
import Testing

@testable import DynamoDBStore

struct CommitTests {
    @Test func `a window's megabyte is kept whole, and only as long as it is needed`() async throws {
        let application = try await DynamoDB.application()
        let store = application.store
        let lease = try await store.acquired(0)
        let first = ShardProgress.window(bytes: 1 << 20, of: 1)
        let second = ShardProgress.window(bytes: 1 << 20, of: 2)

        try await store.commit(ShardCommit(checkpoint: .at(1), progress: .set(first)), under: lease)
        #expect(try await store.progress(of: lease.key) == first)
        try await store.commit(ShardCommit(checkpoint: .at(2), progress: .set(second)), under: lease)
        // Another process, which has to look up what it replaces.
        let other = application.store
        #expect(try await other.progress(of: lease.key) == second)
        try await other.commit(ShardCommit(checkpoint: .at(3), progress: .set(.none)), under: lease)

        #expect(try await store.progress(of: lease.key) == .none)
        #expect(try await application.ownItems(of: "part").isEmpty)
        #expect(try await application.ownItems(of: "pending").isEmpty)
    }

    @Test func `of a commit under a lost lease nothing is to be seen, and its parts are cleared away`()
        async throws
    {
        let clock = WallClock(.present)
        let application = try await DynamoDB.application(now: { clock.now })
        let store = application.store
        let old = try await store.acquired(0)
        let row = try await store.row(0)
        // Elsewhere: this process learns of it from the refusal.
        _ = try await application.store.acquire(row.key, seen: row.counter, for: "worker-b")
        let failure = BatchFailure.sized("large", of: old.key, eventBytes: 1 << 20)

        await #expect(throws: LeaseLost(key: old.key)) {
            try await store.commit(
                ShardCommit(
                    checkpoint: .at(9),
                    progress: .set(.window(bytes: 1 << 20, of: 1)),
                    failures: [failure]
                ),
                under: old
            )
        }

        let failures = DynamoDBFailureStore(application)
        #expect(try await store.progress(of: old.key) == .none)
        #expect(try await failures.failures(of: nil, limit: 9).isEmpty)
        #expect(try await !application.ownItems(of: "part").isEmpty)
        try await failures.prune(deliveredBefore: clock.now, undirectedBefore: clock.now)
        #expect(try await !application.ownItems(of: "part").isEmpty, "they may belong to a commit under way")
        clock.set(clock.now.advanced(byMilliseconds: PartStore.noteLifetimeMilliseconds + 1))
        try await failures.prune(deliveredBefore: clock.now, undirectedBefore: clock.now)
        #expect(try await application.ownItems(of: "part").isEmpty)
        #expect(try await application.ownItems(of: "pending").isEmpty)
    }

    @Test func `a commit with hundreds of failures is one`() async throws {
        let application = try await DynamoDB.application()
        let store = application.store
        let lease = try await store.acquired(0)
        let failures = (0..<200).map { BatchFailure.sized("failure-\($0)", of: lease.key, eventBytes: 2_000) }

        try await store.commit(ShardCommit(checkpoint: .at(9), failures: failures), under: lease)
        try await store.commit(ShardCommit(checkpoint: .at(9), failures: failures), under: lease)

        let stored = DynamoDBFailureStore(application)
        #expect(
            try await stored.failures(of: nil, limit: 1_000).map(\.failure.id)
                == failures.reversed().map(\.id)
        )
        #expect(try await stored.failure("failure-7")?.failure == failures[7])
        #expect(try await application.ownItems(of: "bundle").isEmpty)
        #expect(try await application.ownItems(of: "part").isEmpty)
    }

    @Test func `an event of six megabytes comes back, and goes with its failure`() async throws {
        let application = try await DynamoDB.application()
        let store = application.store
        let lease = try await store.acquired(0)
        let failure = BatchFailure.sized("large", of: lease.key, eventBytes: 6 << 20)

        try await store.commit(ShardCommit(checkpoint: .at(9), failures: [failure]), under: lease)

        let failures = DynamoDBFailureStore(application)
        #expect(try await failures.failure("large")?.failure == failure)
        #expect(try await failures.failures(of: .first, limit: 9).first?.failure == failure.withoutEvent)
        try await failures.prune(
            deliveredBefore: Timestamp(milliseconds: 0),
            undirectedBefore: failure.time.advanced(byMilliseconds: 1)
        )
        #expect(try await application.ownItems(of: "part").isEmpty)
        #expect(try await application.ownItems(of: "failure").isEmpty)
    }

    @Test func `who delivers failures is woken by a commit with some`() async throws {
        let application = try await DynamoDB.application()
        let signal = WakeSignal()
        let store = DynamoDBLeaseStore(application, failureStored: signal)
        let lease = try await store.acquired(0)

        try await store.commit(
            ShardCommit(failures: [.sized("one", of: lease.key, eventBytes: 10)]),
            under: lease
        )

        #expect(await signal.wait())
    }
}

extension DynamoDBApplication {
    /// The items of our own table whose kind begins so.
    func ownItems(of kind: String) async throws -> [Item] {
        try await client.scan(PageRequest(TableName: ownTable)).items
            .filter { $0["kind"]?.string?.hasPrefix(kind) == true }
    }
}

extension ShardProgress {
    static func window(bytes: Int, of byte: UInt8) -> ShardProgress {
        ShardProgress(
            window: WindowProgress(
                start: Timestamp(milliseconds: 60_000),
                end: Timestamp(milliseconds: 120_000),
                state: [UInt8](repeating: byte, count: bytes)
            )
        )
    }
}

extension BatchFailure {
    static func sized(_ id: String, of key: LeaseKey, eventBytes: Int) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: key.mapping,
            shard: key.shard,
            streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:f",
            condition: .recordAgeExceeded,
            invokeCount: 1,
            requestID: "request of \(id)",
            response: nil,
            records: Records(
                count: 1,
                first: 7,
                last: 7,
                firstArrival: Timestamp(milliseconds: 1),
                lastArrival: Timestamp(milliseconds: 2)
            ),
            time: Timestamp(milliseconds: 3),
            event: [UInt8](repeating: UInt8(ascii: "e"), count: eventBytes),
            logTail: "",
            target: nil
        )
    }
}
