package import StreamCore

extension HandlerTransport {
    /// Invokes with these records and nothing else of interest.
    package func invoke(_ records: RecordSelection, context: InvocationContext) async -> InvocationOutcome {
        await invoke(Invocation(records, context: context)).outcome
    }
}
