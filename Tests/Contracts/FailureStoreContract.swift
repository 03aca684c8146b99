package import StreamCore
import TestSupport
import Testing

/// What every `FailureStore` does.
package enum FailureStoreContract {
    /// An empty store, and two mappings that failures may belong to.
    package struct Subject: Sendable {
        package let store: any FailureStore
        package let mapping: MappingID
        package let otherMapping: MappingID
        /// Stores failures as the commit of a shard does, in their order.
        package let keep: @Sendable ([BatchFailure]) async throws -> Void

        package init(
            store: any FailureStore,
            mapping: MappingID,
            otherMapping: MappingID,
            keep: @escaping @Sendable ([BatchFailure]) async throws -> Void
        ) {
            self.store = store
            self.mapping = mapping
            self.otherMapping = otherMapping
            self.keep = keep
        }
    }

    package static let rules = keepingRules + deliveryRules + fairnessRules + pruningRules
}

// MARK: - Keeping

extension FailureStoreContract {
    private static let keepingRules: [ContractRule<Subject>] = [
        ContractRule("a failure comes back as it was given up") { subject in
            let full = subject.failure("full", at: 5, to: .queueA)
            let bare = subject.failure("bare", at: 6, to: nil, response: nil, event: [])

            try await subject.keep([full, bare])

            let stored = try await subject.store.failure("full")
            #expect(stored?.failure == full)
            #expect(stored?.delivery == .waiting(attempts: 0, nextAttempt: .at(5), lastError: nil))
            #expect(
                try await subject.store.failure("bare") == StoredFailure(failure: bare, delivery: .none)
            )
            #expect(try await subject.store.failure("other") == nil)
        },
        ContractRule("a failure that is stored again stays as it is") { subject in
            let failure = subject.failure("once", at: 5, to: .queueA)
            try await subject.keep([failure])
            try await subject.store.noteDelivered("once", at: .at(9))

            // The worker did not hear that its commit was carried out, and repeats it.
            try await subject.keep([failure, subject.failure("next", at: 6, to: .queueA)])

            #expect(
                try await subject.store.failure("once")?.delivery == .delivered(at: .at(9), attempts: 1)
            )
            #expect(
                try await subject.store.failures(of: nil, limit: 9).map(\.failure.id) == ["next", "once"]
            )
        },
        ContractRule("failures are listed the last first, without events, each mapping's by itself") {
            subject in
            // Time may go back between two.
            try await subject.keep([subject.failure("1", at: 9, to: .queueA)])
            try await subject.keep([
                subject.failure("2", at: 3, to: nil), subject.failure("3", at: 4, of: subject.otherMapping),
            ])
            try await subject.store.noteDelivered("1", at: .at(10))

            let all = try await subject.store.failures(of: nil, limit: 10)

            #expect(all.map(\.failure.id) == ["3", "2", "1"])
            #expect(all.allSatisfy { $0.failure.event.isEmpty })
            #expect(all.last?.delivery == .delivered(at: .at(10), attempts: 1))
            let own = try await subject.store.failures(of: subject.mapping, limit: 10)
            #expect(own.map(\.failure.id) == ["2", "1"])
            #expect(try await subject.store.failures(of: nil, limit: 2).map(\.failure.id) == ["3", "2"])
        },
    ]
}

// MARK: - Delivery

extension FailureStoreContract {
    private static let deliveryRules: [ContractRule<Subject>] = [
        ContractRule("a failure with a destination is due at once, with its event, until it was delivered") {
            subject in
            let failure = subject.failure("a", at: 5, to: .queueA)
            try await subject.keep([failure, subject.failure("undirected", at: 5, to: nil)])

            #expect(try await subject.store.nextDue() == .at(5))
            #expect(try await subject.store.due(at: .at(4), limit: 10).isEmpty)
            #expect(try await subject.store.due(at: .at(5), limit: 10).map(\.failure) == [failure])
            try await subject.store.noteDelivered("a", at: .at(7))

            #expect(try await subject.store.due(at: .at(99), limit: 10).isEmpty)
            #expect(try await subject.store.nextDue() == nil)
            #expect(try await subject.store.failure("a")?.delivery == .delivered(at: .at(7), attempts: 1))
        },
        ContractRule("a postponed failure is due when its time has come, and knows why") { subject in
            try await subject.keep([subject.failure("a", at: 5, to: .queueA)])

            try await subject.store.notePostponed("a", until: .at(20), error: "first")
            try await subject.store.notePostponed("a", until: .at(30), error: "second")

            #expect(try await subject.store.nextDue() == .at(30))
            #expect(try await subject.store.due(at: .at(29), limit: 10).isEmpty)
            let due = try await subject.store.due(at: .at(30), limit: 10)
            #expect(
                due.map(\.delivery) == [.waiting(attempts: 2, nextAttempt: .at(30), lastError: "second")]
            )
            try await subject.store.noteDelivered("a", at: .at(31))
            #expect(try await subject.store.failure("a")?.delivery == .delivered(at: .at(31), attempts: 3))
        },
        ContractRule("what is noted of a failure that does not wait changes nothing") { subject in
            try await subject.keep([
                subject.failure("delivered", at: 1, to: .queueA),
                subject.failure("undirected", at: 1, to: nil),
            ])
            try await subject.store.noteDelivered("delivered", at: .at(2))

            for id in ["delivered", "undirected", "unknown"] {
                try await subject.store.notePostponed(id, until: .at(9), error: "late")
                try await subject.store.noteDelivered(id, at: .at(9))
            }

            #expect(
                try await subject.store.failure("delivered")?.delivery == .delivered(at: .at(2), attempts: 1)
            )
            #expect(try await subject.store.failure("undirected")?.delivery == StoredFailure.Delivery.none)
            #expect(try await subject.store.nextDue() == nil)
        },
        ContractRule("of a long error the beginning is kept") { subject in
            try await subject.keep([subject.failure("a", at: 1, to: .queueA)])
            // Two bytes each, behind one of one byte: the limit falls into the middle of a character.
            let error = "x" + String(repeating: "ü", count: FailureLimits.errorBytes)

            try await subject.store.notePostponed("a", until: .at(2), error: error)

            let kept = "x" + String(repeating: "ü", count: (FailureLimits.errorBytes - 1) / 2)
            #expect(
                try await subject.store.failure("a")?.delivery
                    == .waiting(attempts: 1, nextAttempt: .at(2), lastError: kept)
            )
        },
    ]
}

// MARK: - Fairness

extension FailureStoreContract {
    private static let fairnessRules: [ContractRule<Subject>] = [
        ContractRule("the longest waiting come first, and no more than asked for") { subject in
            try await subject.keep([
                subject.failure("late", at: 9, to: .queueA), subject.failure("early", at: 2, to: .queueB),
                subject.failure("same time", at: 2, to: .queueA), subject.failure("middle", at: 5, to: .file),
            ])
            try await subject.store.notePostponed("early", until: .at(7), error: "down")

            let due = try await subject.store.due(at: .at(9), limit: 3)

            #expect(due.map(\.failure.id) == ["same time", "middle", "early"])
        },
        ContractRule("a destination with many failures leaves room for the others") { subject in
            let many = (0..<100).map { subject.failure("a\($0)", at: Int64($0), to: .queueA) }
            try await subject.keep(many)
            try await subject.keep([subject.failure("b", at: 1000, to: .queueB)])

            let due = try await subject.store.due(at: .at(1000), limit: 50)

            let expected = many.prefix(FailureLimits.duePerDestination).map(\.id) + ["b"]
            #expect(due.map(\.failure.id) == expected)
        },
        ContractRule("a destination's failures all get their turn while it refuses each") { subject in
            let ids = (0..<10).map { "a\($0)" }
            try await subject.keep(ids.map { subject.failure($0, at: 1, to: .queueA) })
            var tried: [String] = []

            for round in 2..<Int64(6) {
                for stored in try await subject.store.due(at: .at(round), limit: 4) {
                    tried.append(stored.failure.id)
                    try await subject.store.notePostponed(stored.failure.id, until: .at(100), error: "down")
                }
            }

            #expect(tried == ids)
        },
        ContractRule("destinations that take nothing now are passed over, large events and all") { subject in
            let event = [UInt8](repeating: UInt8(ascii: " "), count: FailureLimits.dueEventBytes)
            try await subject.keep([subject.failure("a", at: 1, to: .queueA, event: event)])
            try await subject.keep([
                subject.failure("b", at: 2, to: .queueB), subject.failure("file", at: 5, to: .file),
            ])

            let due = try await subject.store.due(at: .at(9), limit: 9, except: [.queueA, .file])

            #expect(due.map(\.failure.id) == ["b"])
            #expect(try await subject.store.nextDue(except: [.queueA]) == .at(2))
            #expect(try await subject.store.nextDue(except: [.queueA, .queueB]) == .at(5))
            #expect(try await subject.store.nextDue(except: [.queueA, .queueB, .file]) == nil)
        },
        ContractRule("large events are handed out a few at a time") { subject in
            let bytes = FailureLimits.dueEventBytes / 2 + 1
            let event = [UInt8](repeating: UInt8(ascii: " "), count: bytes)
            try await subject.keep([subject.failure("1", at: 1, to: .queueA, event: event + event)])
            try await subject.keep([subject.failure("2", at: 2, to: .queueB, event: event)])

            #expect(try await subject.store.due(at: .at(9), limit: 9).map(\.failure.id) == ["1"])
            try await subject.store.noteDelivered("1", at: .at(9))
            #expect(try await subject.store.due(at: .at(9), limit: 9).map(\.failure.id) == ["2"])
        },
    ]
}

// MARK: - Pruning

extension FailureStoreContract {
    private static let pruningRules: [ContractRule<Subject>] = [
        ContractRule("old failures go when they were delivered or have no destination; those that wait stay")
        {
            subject in
            try await subject.keep([
                subject.failure("delivered early", at: 1, to: .queueA),
                subject.failure("delivered late", at: 1, to: .queueA),
                subject.failure("waiting", at: 1, to: .queueA),
                subject.failure("undirected, old", at: 1, to: nil),
                subject.failure("undirected, new", at: 7, to: nil),
            ])
            try await subject.store.noteDelivered("delivered early", at: .at(4))
            try await subject.store.noteDelivered("delivered late", at: .at(5))

            try await subject.store.prune(deliveredBefore: .at(5), undirectedBefore: .at(7))

            let left = try await subject.store.failures(of: nil, limit: 10).map(\.failure.id)
            #expect(Set(left) == ["delivered late", "waiting", "undirected, new"])
            #expect(try await subject.store.failure("delivered early") == nil)
        },
        ContractRule("any number of failures is pruned at once") { subject in
            let failures = (0..<1000).map { subject.failure("\($0)", at: Int64($0), to: nil) }
            try await subject.keep(failures)

            try await subject.store.prune(deliveredBefore: .at(0), undirectedBefore: .at(990))

            let left = try await subject.store.failures(of: nil, limit: 1000).map(\.failure.id)
            #expect(left == (990..<1000).reversed().map(String.init))
        },
    ]
}

extension FailureStoreContract.Subject {
    /// A failure with a value in every field.
    func failure(
        _ id: String,
        at milliseconds: Int64,
        of mapping: MappingID? = nil,
        to target: FailureTarget? = nil,
        response: BatchFailure.Response? = .unhandled,
        event: [UInt8] = Array("{\"Records\":[]}".utf8)
    ) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: mapping ?? self.mapping,
            shard: ShardID(number: 3),
            streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:f:live",
            condition: response == nil ? .recordAgeExceeded : .retryAttemptsExhausted,
            invokeCount: 4,
            requestID: "request of \(id)",
            response: response,
            records: BatchFailure.Records(
                count: 2,
                first: 17,
                last: 18,
                firstArrival: Timestamp(milliseconds: 1000),
                lastArrival: Timestamp(milliseconds: 2000)
            ),
            time: Timestamp(milliseconds: milliseconds),
            event: event,
            logTail: "START\n\"ü\"\n",
            target: target
        )
    }
}

extension BatchFailure.Response {
    static let unhandled = BatchFailure.Response(
        executedVersion: "7",
        functionError: "Unhandled",
        reason: "ValueError: no"
    )
}

extension FailureTarget {
    fileprivate static let queueA = FailureTarget.queue(arn: "arn:aws:sqs:us-east-1:000000000000:a")
    fileprivate static let queueB = FailureTarget.queue(arn: "arn:aws:sqs:us-east-1:000000000000:b")
    fileprivate static let file = FailureTarget.file(path: "/failures")
}

extension Timestamp {
    fileprivate static func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }
}
