import AWSClient
import Foundation
import StreamCore
import TestSupport
import Testing

@testable import DynamoDBStore

struct FaultTests {
    @Test func `a write whose answer was lost is known to be ours`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            try await store.add([NewLease(shard: Shard(0), checkpoint: .start(.trimHorizon))], to: .first)

            service.next("UpdateItem", .answerLost)
            let lease = try #require(
                try await store.acquire(application.key(0), seen: 0, for: "worker-a")
            )
            service.next("UpdateItem", .answerLost)
            #expect(try await store.renew([lease]).isEmpty)
            service.next("UpdateItem", .answerLost)
            try await store.checkpoint(lease, at: .at(7))
            #expect(try await store.row(0).checkpoint == .at(7))
            service.next("UpdateItem", .answerLost)
            #expect(try await store.requestHandOff(lease.key, from: "worker-a", to: "worker-b"))
            service.next("UpdateItem", .answerLost)
            try await store.release(lease)

            let row = try await store.row(0)
            #expect(row.owner == "worker-b")
            #expect(row.checkpointOwner == nil)
            service.next("UpdateItem", .answerLost)
            #expect(try await store.free(lease.key, seen: row.counter))
            #expect(try await store.row(0).owner == nil)
        }
    }

    @Test func `a lease that another worker took while the answer was lost is not ours`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            try await store.add([NewLease(shard: Shard(0), checkpoint: .start(.trimHorizon))], to: .first)
            let other = try await DynamoDB.application(named: application.name)

            service.next(
                "UpdateItem",
                .unanswered { _ = try await other.store.acquire(other.key(0), seen: 0, for: "worker-b") }
            )

            #expect(try await store.acquire(application.key(0), seen: 0, for: "worker-a") == nil)
            #expect(try await store.row(0).owner == "worker-b")
        }
    }

    @Test func `a transaction whose answer was lost is carried out once`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let lease = try await store.acquired(0)
            let failure = BatchFailure.sized("one", of: lease.key, eventBytes: 100_000)

            service.next("TransactWriteItems", .answerLost)
            try await store.commit(
                ShardCommit(
                    checkpoint: .at(5),
                    progress: .set(.window(bytes: 9, of: 1)),
                    failures: [failure]
                ),
                under: lease
            )

            #expect(try await store.row(0).checkpoint == .at(5))
            #expect(try await DynamoDBFailureStore(application).failure("one")?.failure == failure)
            #expect(service.calls(of: "TransactWriteItems") == 2)
        }
    }

    @Test func `a commit that was given up and arrives late replaces nothing newer`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let lease = try await store.acquired(0)
            let old = ShardCommit(progress: .set(.window(bytes: 9, of: 1)))
            let newer = ShardProgress.window(bytes: 9, of: 2)

            service.next("TransactWriteItems", .late, .late, .late, .late, .late, .late)
            await #expect(throws: StoreUnavailable.self) { try await store.commit(old, under: lease) }
            try await store.commit(old, under: lease)
            try await store.commit(ShardCommit(progress: .set(newer)), under: lease)
            try await service.deliverLate()

            #expect(try await store.progress(of: lease.key) == newer)
            try await store.commit(ShardCommit(checkpoint: .at(3), progress: .set(.none)), under: lease)
            #expect(try await store.progress(of: lease.key) == .none)
        }
    }

    @Test func `parts whose commit had no answer are cleared away by the next`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let lease = try await store.acquired(0)
            let commit = ShardCommit(progress: .set(.window(bytes: 1 << 20, of: 1)))

            service.next("TransactWriteItems", .answerLost)
            let lost = FaultyService.Fate.error("InternalServerError", status: 500)
            service.next("TransactWriteItems", lost, lost, lost, lost, lost)
            await #expect(throws: StoreUnavailable.self) { try await store.commit(commit, under: lease) }
            try await store.commit(commit, under: lease)
            try await store.commit(ShardCommit(progress: .set(.none)), under: lease)

            #expect(try await application.ownItems(of: "part").isEmpty)
        }
    }

    @Test func `a row that a scan has passed by is not taken for that of a finished shard`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let shards = [Shard(0), Shard(1, parent: 0), Shard(2, parent: 1)]
            try await store.add(
                shards.map { NewLease(shard: $0, checkpoint: .start(.trimHorizon)) },
                to: .first
            )

            let child = try JSONEncoder().encode(try await application.item(2))
            service.next(
                "Scan",
                .refused(status: 200, body: "{\"Items\":[\(String(decoding: child, as: UTF8.self))]}")
            )

            let rows = try await store.leases(of: .first)
            #expect(rows.map(\.key.shard) == shards.map(\.id))
        }
    }

    @Test func `a parent without a row is looked for once`() async throws {
        try await withFaultyService { service, url in
            let store = try await DynamoDB.application(at: url).store
            try await store.add(
                [NewLease(shard: Shard(1, parent: 0), checkpoint: .start(.trimHorizon))],
                to: .first
            )

            for _ in 0..<3 {
                let rows = try await store.leases(of: .first)
                #expect(rows.count == 1)
            }

            #expect(service.calls(of: "GetItem") == 1)
        }
    }

    @Test func `no row of a shard is there before those of its parents`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let shards = [Shard(1, parent: 0), Shard(0), Shard(2, parent: 1)].map {
                NewLease(shard: $0, checkpoint: .start(.trimHorizon))
            }

            service.next("PutItem", .error("AccessDeniedException"))
            await #expect(throws: StoreDenied.self) { try await store.add(shards, to: .first) }

            #expect(try await store.leases(of: .first).isEmpty)
            try await store.add(shards, to: .first)
            #expect(try await store.leases(of: .first).count == 3)
        }
    }

    @Test(arguments: [
        FaultyService.Fate.error("ProvisionedThroughputExceededException"),
        .error("ThrottlingException"),
        .error("TransactionConflictException"),
        .error("ServiceUnavailable", status: 503),
        .error(
            "TransactionCanceledException",
            ",\"CancellationReasons\":[{\"Code\":\"None\"},{\"Code\":\"TransactionConflict\"}]"
        ),
    ])
    func `a store that is busy is asked again`(fate: FaultyService.Fate) async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let lease = try await store.acquired(0)

            service.next("UpdateItem", fate, fate)
            try await store.checkpoint(lease, at: .at(5))
            service.next("TransactWriteItems", fate, fate)
            try await store.commit(
                ShardCommit(checkpoint: .at(6), progress: .set(.window(bytes: 9, of: 1))),
                under: lease
            )

            #expect(try await store.row(0).checkpoint == .at(6))
        }
    }

    @Test func `a store that stays busy is unavailable, and says so`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let lease = try await store.acquired(0)
            let busy = FaultyService.Fate.error("ThrottlingException")

            service.next("UpdateItem", busy, busy, busy, busy, busy, busy)
            let failure = await #expect(throws: StoreUnavailable.self) {
                try await store.checkpoint(lease, at: .at(5))
            }

            #expect(failure?.store == application.name)
            #expect(failure.map { "\($0)".contains("ThrottlingException") } == true)
            try await store.checkpoint(lease, at: .at(5))
        }
    }

    @Test func `what may not be done is named, with what to grant`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let lease = try await store.acquired(0)

            service.next("UpdateItem", .error("AccessDeniedException"))
            let denied = await #expect(throws: StoreDenied.self) {
                try await store.checkpoint(lease, at: .at(5))
            }

            #expect(denied.map { "\($0)".contains("grant dynamodb:UpdateItem") } == true)
        }
    }

    @Test func `a lease that cannot be renewed holds up no other`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            var leases: [Lease] = []
            for shard in 0..<3 { leases.append(try await store.acquired(shard)) }

            service.next("UpdateItem", .error("ValidationException"))
            let partly = try #require(
                await #expect(throws: PartlyRenewed.self) { _ = try await store.renew(leases) }
            )

            #expect(partly.lost.isEmpty)
            #expect(partly.unanswered.count == 1)
            let renewed = try await store.leases(of: .first).filter { $0.counter == 2 }
            #expect(Set(renewed.map(\.key)) == Set(leases.map(\.key)).subtracting(partly.unanswered))
            #expect(try await store.renew(leases).isEmpty)
        }
    }

    @Test func `a thousand leases are renewed by a bounded number of writes at a time`() async throws {
        try await withFaultyService { service, url in
            let application = try await DynamoDB.application(at: url)
            let store = application.store
            let shards = (0..<1_000).map { NewLease(shard: Shard($0), checkpoint: .start(.trimHorizon)) }
            try await store.add(shards, to: .first)
            let leases = try await forEach(Array(0..<1_000), limit: 20) { shard in
                try #require(try await store.acquire(application.key(shard), seen: 0, for: "worker-a"))
            }

            service.next("UpdateItem", .error("ThrottlingException"), .error("ThrottlingException"))
            #expect(try await store.renew(leases).isEmpty)

            #expect(service.mostInFlight <= DynamoDBLeaseStore.writesInFlight)
            #expect(Set(try await store.leases(of: .first).map(\.counter)) == [2])
        }
    }
}
