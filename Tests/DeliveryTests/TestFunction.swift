import Delivery
import StreamCore
import TestSupport

extension InvokedFunction {
    /// A handler of the test as a mapping's function.
    static func test(
        _ handler: ClosureHandler,
        reportsFailures: Bool = false,
        makeRequestID: @escaping @Sendable () -> String
    ) -> InvokedFunction {
        InvokedFunction(
            transport: handler,
            mapping: "00000000-0000-0000-0000-000000000001",
            reportsFailures: reportsFailures,
            makeContext: {
                InvocationContext(
                    requestID: makeRequestID(),
                    streamARN: "",
                    shard: ShardID(number: 0),
                    functionARN: ""
                )
            },
            makeID: { "failure of \(makeRequestID())" },
            encodeEvent: { Array("\($0.records.numbers)".utf8) }
        )
    }
}
