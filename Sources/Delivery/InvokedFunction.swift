package import StreamCore

/// The function of a mapping as one shard invokes it, and what is stored when it is given up on.
package final class InvokedFunction: Sendable {
    package let transport: any HandlerTransport
    package let mapping: MappingID
    package let failureTarget: FailureTarget?
    package let reportsFailures: Bool
    /// Makes the context of one attempt, under a fresh request id.
    package let makeContext: @Sendable () -> InvocationContext
    /// A fresh UUID for a failure.
    package let makeID: @Sendable () -> String
    /// The event of an invocation as JSON, for failures.
    package let encodeEvent: @Sendable (Invocation) -> [UInt8]

    package init(
        transport: any HandlerTransport,
        mapping: MappingID,
        failureTarget: FailureTarget? = nil,
        reportsFailures: Bool = false,
        makeContext: @escaping @Sendable () -> InvocationContext,
        makeID: @escaping @Sendable () -> String,
        encodeEvent: @escaping @Sendable (Invocation) -> [UInt8]
    ) {
        self.transport = transport
        self.mapping = mapping
        self.failureTarget = failureTarget
        self.reportsFailures = reportsFailures
        self.makeContext = makeContext
        self.makeID = makeID
        self.encodeEvent = encodeEvent
    }

    func invoke(_ records: RecordSelection, window: WindowContext?) async -> Attempt {
        let invocation = Invocation(
            records,
            context: makeContext(),
            window: window,
            wantsAnswer: reportsFailures || window != nil
        )
        return Attempt(function: self, invocation: invocation, result: await transport.invoke(invocation))
    }

    func makeFailure(
        _ condition: BatchFailure.Condition,
        of records: RecordSelection,
        window: WindowContext?,
        invokeCount: Int,
        at now: Timestamp,
        attempt: Attempt? = nil,
        _ reason: Verdict.Failure? = nil
    ) -> BatchFailure {
        let invocation = attempt?.invocation ?? Invocation(records, context: makeContext(), window: window)
        let context = invocation.context
        let response = attempt.map { attempt in
            BatchFailure.Response(
                executedVersion: attempt.result.executedVersion.text,
                functionError: reason?.isAnswer == true ? nil : "Unhandled",
                reason: reason?.reason ?? ""
            )
        }
        return BatchFailure(
            id: makeID(),
            mapping: mapping,
            shard: context.shard,
            streamARN: context.streamARN,
            functionARN: context.functionARN,
            condition: condition,
            invokeCount: invokeCount,
            requestID: context.requestID,
            response: response,
            records: BatchFailure.Records(records),
            time: now,
            event: encodeEvent(invocation),
            logTail: attempt?.result.logTail ?? "",
            target: failureTarget
        )
    }
}

/// One invocation that has ended.
struct Attempt: Sendable {
    let function: InvokedFunction
    let invocation: Invocation
    let result: InvocationResult

    func verdict(on records: RecordSelection) -> Verdict {
        Verdict(
            result.outcome,
            of: records,
            reportsFailures: function.reportsFailures,
            hasWindow: invocation.window != nil
        )
    }

    func makeFailure(
        _ condition: BatchFailure.Condition,
        _ records: RecordSelection,
        _ failure: Verdict.Failure,
        _ attempts: Int,
        at now: Timestamp
    ) -> BatchFailure {
        function.makeFailure(
            condition,
            of: records,
            window: invocation.window,
            invokeCount: attempts,
            at: now,
            attempt: self,
            failure
        )
    }
}

extension BatchFailure.Records {
    init(_ records: RecordSelection) {
        let nothing = Timestamp(milliseconds: 0)
        self.init(
            count: records.count,
            first: records.first?.sequenceNumber ?? .zero,
            last: records.last?.sequenceNumber ?? .zero,
            firstArrival: records.first?.arrival ?? nothing,
            lastArrival: records.last?.arrival ?? nothing
        )
    }
}

extension BatchFailure {
    /// The same failure, of no records, behind this one.
    func placed(at number: SequenceNumber, arrival: Timestamp) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: mapping,
            shard: shard,
            streamARN: streamARN,
            functionARN: functionARN,
            condition: condition,
            invokeCount: invokeCount,
            requestID: requestID,
            response: response,
            records: Records(
                count: 0,
                first: number,
                last: number,
                firstArrival: arrival,
                lastArrival: arrival
            ),
            time: time,
            event: event,
            logTail: logTail,
            target: target
        )
    }
}
