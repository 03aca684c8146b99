import StreamCore
import Testing

// MARK: - Progress and failures

extension LeaseStoreContract {
    static let progressRules: [ContractRule<Subject>] = [
        ContractRule("a shard that was never retried has no progress") { subject in
            let lease = try await subject.acquired(0)

            #expect(try await subject.store.progress(of: lease.key) == .none)
            #expect(try await subject.store.progress(of: subject.key(404)) == .none)
        },
        ContractRule("all of the progress is kept as it is") { subject in
            let lease = try await subject.acquired(0)

            try await subject.store.commit(
                ShardCommit(checkpoint: 7, progress: .set(.everything)),
                under: lease
            )

            #expect(try await subject.row(0).checkpoint == 7)
            #expect(try await subject.store.progress(of: lease.key) == .everything)
        },
        ContractRule("progress moves without the checkpoint, and the checkpoint without progress") {
            subject in
            let lease = try await subject.acquired(0, at: 3)

            try await subject.store.commit(ShardCommit(progress: .set(.retrying(4, 9))), under: lease)
            #expect(try await subject.row(0).checkpoint == 3)
            try await subject.store.commit(ShardCommit(checkpoint: 5), under: lease)

            #expect(try await subject.row(0).checkpoint == 5)
            #expect(try await subject.store.progress(of: lease.key) == .retrying(4, 9))
        },
        ContractRule("progress that is set to none is gone") { subject in
            let lease = try await subject.acquired(0)
            try await subject.store.commit(ShardCommit(progress: .set(.everything)), under: lease)

            try await subject.store.commit(ShardCommit(checkpoint: 9, progress: .set(.none)), under: lease)

            #expect(try await subject.store.progress(of: lease.key) == .none)
        },
        ContractRule("progress survives its owner, and each shard has its own") { subject in
            let lease = try await subject.acquired(0)
            let other = try await subject.acquired(1)
            try await subject.store.commit(ShardCommit(progress: .set(.retrying(1, 4))), under: lease)
            try await subject.store.commit(ShardCommit(progress: .set(.retrying(2, 3))), under: other)
            try await subject.store.release(lease)

            let second = try await subject.lease(of: 0, for: "worker-b")
            let third = try await subject.taken(from: second, by: "worker-c")

            #expect(try await subject.store.progress(of: third.key) == .retrying(1, 4))
            #expect(try await subject.store.progress(of: other.key) == .retrying(2, 3))
        },
        ContractRule("who lost a lease moves neither checkpoint nor progress, and files no failure") {
            subject in
            let old = try await subject.acquired(0, at: 5)
            try await subject.store.commit(ShardCommit(progress: .set(.retrying(6, 9))), under: old)
            let new = try await subject.taken(from: old, by: "worker-b")
            let before = try await subject.row(0)
            let late = ShardCommit(
                checkpoint: 9,
                progress: .set(.none),
                failures: [.sample("late", of: old.key, 6, 9)]
            )

            await #expect(throws: LeaseLost(key: old.key)) {
                try await subject.store.commit(late, under: old)
            }

            #expect(try await subject.row(0) == before)
            #expect(try await subject.store.progress(of: new.key) == .retrying(6, 9))
            #expect(try await subject.failures(new.key).isEmpty)
        },
        ContractRule("failures are stored with the checkpoint that passes them, in order") { subject in
            let lease = try await subject.acquired(0)
            let failures = (1...3).map { BatchFailure.sample("failure-\($0)", of: lease.key, $0, $0) }

            try await subject.store.commit(
                ShardCommit(checkpoint: 2, progress: .set(.none), failures: Array(failures.prefix(2))),
                under: lease
            )
            try await subject.store.commit(
                ShardCommit(checkpoint: 3, failures: Array(failures.suffix(1))),
                under: lease
            )

            #expect(try await subject.row(0).checkpoint == 3)
            #expect(try await subject.failures(lease.key) == failures)
        },
        ContractRule("a commit that is repeated stores its failures once") { subject in
            let lease = try await subject.acquired(0)
            let commit = ShardCommit(checkpoint: 2, failures: [.sample("once", of: lease.key, 1, 2)])

            try await subject.store.commit(commit, under: lease)
            // The answer to the first may have been lost.
            try await subject.store.commit(commit, under: lease)

            #expect(try await subject.failures(lease.key) == commit.failures)
        },
        ContractRule("removing a lease drops its progress and keeps its failures") { subject in
            let lease = try await subject.acquired(0)
            let commit = ShardCommit(
                progress: .set(.everything),
                failures: [.sample("kept", of: lease.key, 1, 2)]
            )
            try await subject.store.commit(commit, under: lease)

            try await subject.remove(lease.key)
            try await subject.store.add([.start(0)], to: subject.mapping)

            #expect(try await subject.store.progress(of: lease.key) == .none)
            #expect(try await subject.failures(lease.key) == commit.failures)
        },
        ContractRule("a commit that moves nothing still shows that the owner lives") { subject in
            let lease = try await subject.acquired(0)
            let before = try await subject.row(0)

            try await subject.store.commit(ShardCommit(), under: lease)

            let after = try await subject.row(0)
            #expect(after.counter > before.counter)
            #expect(after.checkpoint == before.checkpoint)
        },
    ]
}

extension ShardProgress {
    static func retrying(_ first: UInt64, _ last: UInt64, attempts: Int = 1) -> ShardProgress {
        ShardProgress(retries: [
            BatchProgress(
                first: SequenceNumber(integerLiteral: first),
                last: SequenceNumber(integerLiteral: last),
                attempts: attempts,
                firstFailure: Timestamp(milliseconds: 1_700_000_000_123)
            )
        ])
    }

    /// A value in every field.
    static let everything = ShardProgress(
        retries: retrying(8, 9).retries + retrying(10, 15, attempts: 3).retries,
        lanes: LaneProgress(count: 3, done: [11, nil, 14]),
        window: WindowProgress(
            start: Timestamp(milliseconds: 60_000),
            end: Timestamp(milliseconds: 120_000),
            state: Array("{\"sum\":1}".utf8),
            awaitsFinal: true
        )
    )
}

extension BatchFailure {
    /// A value in every field.
    static func sample(_ id: String, of key: LeaseKey, _ first: Int, _ last: Int) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: key.mapping,
            shard: key.shard,
            streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:f",
            condition: .retryAttemptsExhausted,
            invokeCount: 4,
            requestID: "request-\(id)",
            response: Response(executedVersion: "$LATEST", functionError: "Unhandled", reason: "Error: no"),
            records: Records(
                count: last - first + 1,
                first: SequenceNumber(integerLiteral: UInt64(first)),
                last: SequenceNumber(integerLiteral: UInt64(last)),
                firstArrival: Timestamp(milliseconds: 1000),
                lastArrival: Timestamp(milliseconds: 2000)
            ),
            time: Timestamp(milliseconds: 3000 + Int64(first)),
            event: Array("{\"Records\":[]}".utf8),
            logTail: "START\n",
            target: .queue(arn: "arn:aws:sqs:us-east-1:000000000000:failed")
        )
    }
}
