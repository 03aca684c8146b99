import StreamCore

extension BatchFailure {
    /// Two records of one shard that a function failed with.
    static func sample(
        _ id: String = "11111111-2222-3333-4444-555555555555",
        to target: FailureTarget? = nil,
        condition: Condition = .retryAttemptsExhausted,
        response: Response? = Response(
            executedVersion: "$LATEST",
            functionError: "Unhandled",
            reason: "boom"
        ),
        streamARN: String = "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
        time: Timestamp = Timestamp(milliseconds: 1_573_691_886_021),
        event: [UInt8] = Array(#"{"Records":[{"kinesis":{"partitionKey":"a\"b"}}]}"#.utf8)
    ) -> BatchFailure {
        BatchFailure(
            id: id,
            mapping: "6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b",
            shard: ShardID(number: 6),
            streamARN: streamARN,
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:counts",
            condition: condition,
            invokeCount: 3,
            requestID: "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
            response: response,
            records: Records(
                count: 2,
                first: 4_959,
                last: 4_960,
                firstArrival: Timestamp(milliseconds: 1_573_691_884_835),
                lastArrival: Timestamp(milliseconds: 1_573_691_885_005)
            ),
            time: time,
            event: event,
            logTail: "",
            target: target
        )
    }
}

extension FailureTarget {
    static func queue(_ name: String) -> FailureTarget {
        .queue(arn: "arn:aws:sqs:us-east-1:123456789012:\(name)")
    }
}
