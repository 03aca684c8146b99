package import StreamCore
import TestSupport
import Testing

/// What every `HandlerTransport` does.
package enum HandlerTransportContract {
    /// How the function behaves that a rule needs.
    package enum Behaviour: Hashable, Sendable {
        case succeeds
        /// Reports an error of its own for the first batch, and succeeds with those that follow.
        case failsOnce
        /// Ends its process in the first batch, and succeeds with those that follow.
        case exitsOnce
        /// Passes its timeout in the first batch, and succeeds with those that follow.
        case timesOutOnce
        /// Never answers within the test.
        case hangs
        /// Its process cannot be started.
        case cannotStart
    }

    /// Makes functions that behave as a rule asks.
    package struct Subject: Sendable {
        package let transport: @Sendable (Behaviour) async throws -> any HandlerTransport

        package init(transport: @escaping @Sendable (Behaviour) async throws -> any HandlerTransport) {
            self.transport = transport
        }
    }

    package static let rules: [ContractRule<Subject>] = [
        ContractRule("a function that answers has succeeded, batch after batch") { subject in
            let transport = try await subject.transport(.succeeds)

            for first in stride(from: UInt64(1), to: 30, by: 10) {
                let batch = RecordBatch.numbered(first..<first + 10)
                #expect(await transport.invoke(batch.all, context: .sample) == .succeeded)
            }
        },
        ContractRule("any selection of a batch can be handed over") { subject in
            let transport = try await subject.transport(.succeeds)
            let batch = RecordBatch.numbered(1...10)
            let list = RecordSelection(batch: batch, indices: .list([1, 4, 9]))

            #expect(await transport.invoke(batch.all.dropFirst(7), context: .sample) == .succeeded)
            #expect(await transport.invoke(list, context: .sample) == .succeeded)
        },
        ContractRule("a function's own error is a failed attempt, and the next batch is taken") { subject in
            try await expectFailureOnce(of: subject, .failsOnce) { failure in
                if case .functionError = failure { true } else { false }
            }
        },
        ContractRule("a process that ends is a failed attempt, and the next batch is taken") { subject in
            try await expectFailureOnce(of: subject, .exitsOnce) { failure in
                if case .exited = failure { true } else { false }
            }
        },
        ContractRule("a timeout is a failed attempt, and the next batch is taken") { subject in
            try await expectFailureOnce(of: subject, .timesOutOnce) { failure in
                if case .timedOut = failure { true } else { false }
            }
        },
        ContractRule("a function that cannot start has not been invoked") { subject in
            let transport = try await subject.transport(.cannotStart)

            let outcome = await transport.invoke(RecordBatch.numbered(1...3).all, context: .sample)

            guard case .notInvoked(let unavailable) = outcome else {
                Issue.record("the outcome is \(outcome)")
                return
            }
            #expect(!unavailable.reason.isEmpty)
        },
        ContractRule("a cancelled invocation returns early") { subject in
            let transport = try await subject.transport(.hangs)
            let invocation = Task {
                await transport.invoke(RecordBatch.numbered(1...3).all, context: .sample)
            }

            invocation.cancel()

            _ = await invocation.value
        },
    ]

    private static func expectFailureOnce(
        of subject: Subject,
        _ behaviour: Behaviour,
        isExpected: (HandlerFailure) -> Bool
    ) async throws {
        let transport = try await subject.transport(behaviour)
        let batch = RecordBatch.numbered(1...3).all

        let first = await transport.invoke(batch, context: .sample)
        let second = await transport.invoke(batch, context: .sample)

        guard case .failed(let failure) = first else {
            Issue.record("the outcome is \(first)")
            return
        }
        #expect(isExpected(failure), "the failure is \(failure)")
        #expect(second == .succeeded)
    }
}

extension InvocationContext {
    fileprivate static var sample: InvocationContext {
        InvocationContext(
            requestID: "8f7d2c1a-0b3e-4c5d-9e6f-1a2b3c4d5e6f",
            streamARN: ResourceNames().stream("flights"),
            shard: ShardID(number: 0),
            functionARN: ResourceNames().function("delay-alerts")
        )
    }
}
