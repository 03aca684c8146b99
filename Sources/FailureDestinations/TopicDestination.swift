import AWSClient
import StreamCore

/// An SNS topic: one message for each failure.
struct TopicDestination: FailureDestination {
    /// What a topic takes unless it is set to more.
    static let maximumBodyBytes = 256 * 1024

    let target: FailureTarget
    let arn: ARN
    let sns: AWSService

    func deliver(_ failure: BatchFailure) async throws {
        let body = FailureRecord.metadata(of: failure)
        guard body.count <= Self.maximumBodyBytes else {
            throw DestinationRefusal(
                target: target,
                reason: "its record has \(body.count) bytes, SNS takes \(Self.maximumBodyBytes)"
            )
        }
        var fields: [(name: String, value: String)] = [
            ("Action", "Publish"), ("Version", "2010-03-31"), ("TopicArn", target.text),
            ("Message", String(decoding: body, as: UTF8.self)),
        ]
        if arn.isFIFO {
            fields += [("MessageGroupId", failure.shard.text), ("MessageDeduplicationId", failure.id)]
        }
        try await sns.send(
            ClientRequest(
                method: "POST",
                url: sns.endpoint.url + "/",
                headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
                body: FormEncoding.encode(fields)
            )
        )
    }
}
