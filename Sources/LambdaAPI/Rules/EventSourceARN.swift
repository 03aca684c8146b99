import StreamCore

/// The stream that an `EventSourceArn` names.
enum EventSourceARN {
    static func stream(in text: String?, names: ResourceNames) throws(LambdaError) -> StreamName {
        guard let text, !text.isEmpty else {
            throw .invalid("Unrecognized event source, must be kinesis: EventSourceArn is missing.")
        }
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, fields[0] == "arn", fields[2] == "kinesis" else {
            throw .invalid("Unrecognized event source, must be kinesis. Unsupported source arn : \(text)")
        }
        let parts = fields[5].split(separator: "/", omittingEmptySubsequences: false)
        guard !(parts.count == 4 && parts[0] == "stream" && parts[2] == "consumer") else {
            throw .unsupported(
                "EventSourceArn \(text) (a consumer with enhanced fan-out)",
                "name the stream itself, \(fields[0...4].joined(separator: ":")):stream/\(parts[1])"
            )
        }
        guard let stream = ResourceNames.streamName(in: text) else {
            throw .invalid("Unrecognized event source, must be kinesis. Unsupported source arn : \(text)")
        }
        guard fields[3] == names.region, fields[4] == names.account else { throw streamNotFound(text) }
        return stream
    }

    static func streamNotFound(_ arn: String) -> LambdaError { .invalid("Stream not found: \(arn)") }
}
