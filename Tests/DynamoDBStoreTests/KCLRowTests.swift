import StreamCore
import TestSupport
import Testing

@testable import DynamoDBStore

/// What a worker of KCL writes and what ours write, seen from the other side.
struct KCLRowTests {
    @Test func `a row of KCL is read with all that it says`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(
            0,
            [
                "parentShardId": .strings(["shardId-7", "shardId-5"]),
                "childShardIds": .strings(["shardId-9"]),
            ]
        )

        let row = try await application.store.row(0)

        #expect(row.owner == "java")
        #expect(row.counter == 20)
        #expect(
            row.checkpoint
                == .at(
                    try #require(SequenceNumber("49590338271490256608559692538361571095921575989136588898"))
                )
        )
        #expect(row.parents == ["shardId-5", "shardId-7"])
        #expect(row.children == ["shardId-9"])
        #expect(
            row.hashKeyRange
                == HashKeyRange(start: 0, end: 85_070_591_730_234_615_865_843_651_857_942_052_863)
        )
        #expect(row.throughput == 0.000004)
    }

    @Test func `a checkpoint in the middle of an aggregate is read again from its record on`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(
            0,
            ["checkpoint": .string("7000"), "checkpointSubSequenceNumber": .number("3")]
        )
        let store = application.store
        #expect(try await store.row(0).checkpoint == .at(6_999))
        let lease = try await store.acquired(0)

        try await store.checkpoint(lease, at: .at(7_000))

        #expect(try await store.row(0).checkpoint == .at(7_000))
        #expect(try await application.item(0)["checkpointSubSequenceNumber"] == .number("0"))
    }

    @Test func `a row that is made here has what a worker of KCL expects of it`() async throws {
        let application = try await DynamoDB.application()
        let shard = Shard(4, parent: 1)

        try await application.store.add([NewLease(shard: shard, checkpoint: .start(.latest))], to: .first)

        let item = try await application.item(4)
        let expected: Item = [
            "leaseKey": .string("shardId-000000000004"), "leaseCounter": .number("0"),
            "ownerSwitchesSinceCheckpoint": .number("0"), "checkpoint": .string("LATEST"),
            "checkpointSubSequenceNumber": .number("0"), "parentShardId": .strings(["shardId-000000000001"]),
            "startingHashKey": .string("0"), "endingHashKey": .string(String(UInt128.max)),
        ]
        #expect(item.filter { !$0.key.hasPrefix("millrace") } == expected)
    }

    @Test func `a checkpoint voids what an application of KCL has prepared and not confirmed`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(
            0,
            [
                "pendingCheckpoint": .string("9"), "pendingCheckpointSubSequenceNumber": .number("0"),
                "ownerSwitchesSinceCheckpoint": .number("3"),
            ]
        )
        let lease = try await application.store.acquired(0)
        #expect(try await application.item(0)["ownerSwitchesSinceCheckpoint"] == .number("4"))

        try await application.store.checkpoint(lease, at: .shardEnd)

        let item = try await application.item(0)
        #expect(item["checkpoint"] == .string("SHARD_END"))
        #expect(item["pendingCheckpoint"] == nil)
        #expect(item["pendingCheckpointSubSequenceNumber"] == nil)
        #expect(item["ownerSwitchesSinceCheckpoint"] == .number("0"))
    }

    @Test func `a lease that KCL's leader assigns to another worker is lost`() async throws {
        let application = try await DynamoDB.application()
        let store = application.store
        let lease = try await store.acquired(0)
        let key = lease.key

        try await application.updateAsKCL(
            0,
            "SET leaseOwner = :java REMOVE checkpointOwner ADD leaseCounter :one",
            [":java": .string("java"), ":one": .number("1")]
        )

        #expect(try await store.renew([lease]) == [key])
        await #expect(throws: LeaseLost(key: key)) { try await store.checkpoint(lease, at: .at(9)) }
        await #expect(throws: LeaseLost(key: key)) {
            try await store.commit(ShardCommit(progress: .set(.none)), under: lease)
        }
        try await store.release(lease)
        #expect(try await store.row(0).owner == "java")
    }

    @Test func `a lease that went to KCL and back under the same owner is lost to the tenure before`()
        async throws
    {
        let application = try await DynamoDB.application()
        let store = application.store
        let lease = try await store.acquired(0)

        // The leader gives it to a worker of KCL, which checkpoints, and then back.
        for owner in ["java", "worker-a"] {
            try await application.updateAsKCL(
                0,
                "SET leaseOwner = :owner, checkpoint = :checkpoint ADD leaseCounter :one",
                [":owner": .string(owner), ":checkpoint": .string("50"), ":one": .number("1")]
            )
        }

        await #expect(throws: LeaseLost.self) { try await store.checkpoint(lease, at: .at(60)) }
        #expect(try await store.renew([lease]) == [lease.key])
        let row = try await store.row(0)
        #expect(row.owner == "worker-a")
        let next = try #require(try await store.acquire(row.key, seen: row.counter, for: "worker-a"))
        try await store.checkpoint(next, at: .at(60))
        #expect(try await store.row(0).checkpoint == .at(60))
    }

    @Test func `a request of KCL's leader leaves the lease to its holder until that releases it`()
        async throws
    {
        let application = try await DynamoDB.application()
        let store = application.store
        let lease = try await store.acquired(0)
        try await application.updateAsKCL(
            0,
            "SET leaseOwner = :java, checkpointOwner = :me",
            [":java": .string("java"), ":me": .string("worker-a")]
        )

        #expect(try await store.renew([lease]).isEmpty)
        try await store.checkpoint(lease, at: .at(5))
        try await store.release(lease)

        let item = try await application.item(0)
        #expect(item["leaseOwner"] == .string("java"))
        #expect(item["checkpointOwner"] == nil)
        #expect(item["checkpoint"] == .string("5"))
        await #expect(throws: LeaseLost.self) { try await store.checkpoint(lease, at: .at(6)) }
    }

    @Test func `a lease is asked of a worker of KCL as its own leader would ask`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(0)
        let store = application.store

        #expect(try await store.requestHandOff(application.key(0), from: "java", to: "worker-a"))

        let item = try await application.item(0)
        #expect(item["leaseOwner"] == .string("worker-a"))
        #expect(item["checkpointOwner"] == .string("java"))
        #expect(item["leaseCounter"] == .number("20"))
        #expect(try await !store.requestHandOff(application.key(0), from: "java", to: "worker-b"))
    }

    @Test func `progress is not believed any more once KCL has moved the checkpoint`() async throws {
        let application = try await DynamoDB.application()
        let store = application.store
        let first = try await store.acquired(0)
        let progress = ShardProgress(lanes: LaneProgress(count: 2, done: [11, 12]))
        try await store.commit(ShardCommit(checkpoint: .at(9), progress: .set(progress)), under: first)
        try await store.release(first)
        let second = try await store.acquired(0, by: "worker-b")
        #expect(try await store.progress(of: second.key) == progress)
        try await store.release(second)

        try await application.updateAsKCL(
            0,
            "SET checkpoint = :checkpoint ADD leaseCounter :one",
            [":checkpoint": .string("40"), ":one": .number("1")]
        )

        let third = try await store.acquired(0, by: "worker-c")
        #expect(try await store.progress(of: third.key) == .none)
        try await store.checkpoint(third, at: .at(41))
        #expect(try await store.progress(of: third.key) == .none)
        try await store.commit(ShardCommit(progress: .set(progress)), under: third)
        #expect(try await store.progress(of: third.key) == progress)
    }

    @Test func `numbers that a stream fills up with zeros are written as it writes them`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(0, ["checkpoint": .string("000000017956446534170000002001")])
        let store = application.store
        let lease = try await store.acquired(0)

        for number in ["17956446534170000002000", "17956446534170000002010"] {
            try await store.checkpoint(lease, at: .at(try #require(SequenceNumber(number))))
        }
        // Another process of the same worker knows nothing of the zeros.
        let other = application.store
        try await other.checkpoint(lease, at: .at(try #require(SequenceNumber("17956446534170000002011"))))

        #expect(try await application.item(0)["checkpoint"] == .string("000000017956446534170000002011"))
    }

    @Test func `a start at a time that only KCL's configuration knows is asked for`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(0, ["checkpoint": .string("AT_TIMESTAMP")])
        let start = Timestamp(milliseconds: 1_700_000_000_000)

        await #expect(throws: UnknownStart(key: application.key(0))) {
            try await application.store.leases(of: .first)
        }

        let told = DynamoDBLeaseStore(application, startTimestamp: start)
        #expect(try await told.row(0).checkpoint == .start(.atTimestamp(start)))
    }

    @Test func `what KCL keeps beside its leases is no lease`() async throws {
        let application = try await DynamoDB.application()
        try await application.putKCLRow(0, ["entityType": .string("LEASE")])
        for (key, type) in [("Leader", "LEADER"), ("java", "WORKER_METRIC_STATS")] {
            let item: Item = ["leaseKey": .string(key), "entityType": .string(type)]
            try await application.client.put(ItemPut(TableName: application.leaseTable, Item: item))
        }
        let store = application.store

        #expect(try await store.leases(of: .first).map(\.key.shard.text) == ["shardId-000000000000"])
        try await store.add([NewLease(shard: Shard(1), checkpoint: .start(.trimHorizon))], to: .first)

        #expect(try await application.item(1)["entityType"] == .string("LEASE"))
    }

    @Test func `a table of many streams is refused`() async throws {
        let application = try await DynamoDB.application()
        let key = "123456789012:orders:1700000000:shardId-000000000000"
        try await application.putKCLRow(0, ["leaseKey": .string(key)])

        await #expect(throws: MultiStreamTable(table: application.name, key: key)) {
            try await application.store.leases(of: .first)
        }
    }

    @Test func `an application serves one mapping`() async throws {
        let application = try await DynamoDB.application(.first)

        // The same again, as each start does.
        _ = try await DynamoDB.application(.first, named: application.name)
        let taken = ApplicationTaken(
            application: application.name,
            owner: MappingID.first.text,
            mapping: .second
        )
        await #expect(throws: taken) {
            _ = try await DynamoDB.application(.second, named: application.name)
        }
        await #expect(throws: taken) { try await application.store.leases(of: .second) }
    }
}
