package import StreamCore

/// A function inside the test: a closure answers each batch, and what was handed to it is remembered.
package struct ClosureHandler: HandlerTransport {
    /// What one invocation was handed.
    package struct Invocation: Hashable, Sendable {
        package let shard: ShardID
        package let numbers: [SequenceNumber]
        package let keys: [String]
        package let context: InvocationContext
        package let window: WindowContext?
    }

    /// Every invocation, in the order in which they began.
    package let invocations = Recorder<Invocation>()
    private let answer: @Sendable (Invocation) async -> InvocationOutcome

    package init(
        _ answer: @escaping @Sendable (Invocation) async -> InvocationOutcome = { _ in .succeeded }
    ) {
        self.answer = answer
    }

    package func invoke(_ invocation: StreamCore.Invocation) async -> InvocationResult {
        let batch = invocation.records.compacted()
        let seen = Invocation(
            shard: invocation.context.shard,
            numbers: batch.entries.map(\.sequenceNumber),
            keys: batch.entries.indices.map(batch.partitionKey),
            context: invocation.context,
            window: invocation.window
        )
        invocations.append(seen)
        return InvocationResult(await answer(seen))
    }

    /// Every record handed over, in order.
    package var numbers: [SequenceNumber] { invocations.events.flatMap(\.numbers) }

    /// Waits until this many records have been handed over, counting repeats.
    package func waitForRecords(_ count: Int) async {
        await invocations.wait { invocations in invocations.reduce(0) { $0 + $1.numbers.count } >= count }
    }
}
