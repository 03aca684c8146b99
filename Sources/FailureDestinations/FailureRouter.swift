package import AWSClient
package import StreamCore

/// Finds the way to every destination that a mapping may name.
package struct FailureRouter: Sendable {
    /// The longest one call of AWS may take.
    package static let callLimits = HTTPClient.Limits(time: .seconds(20), responseBytes: 1 << 20)

    private let environment: [String: String]
    private let region: String
    private let credentials: any AWSCredentialProvider
    private let streams: FailureStreams
    private let http: HTTPClient
    private let queueURLs = QueueURLs()

    /// - Parameters:
    ///   - environment: Where `AWS_ENDPOINT_URL_SQS` and the like are looked for.
    ///   - region: The host's, which is a bucket's as well: its ARN names none.
    package init(
        environment: [String: String],
        region: String,
        credentials: any AWSCredentialProvider,
        streams: FailureStreams,
        http: HTTPClient = HTTPClient(limits: FailureRouter.callLimits)
    ) {
        self.environment = environment
        self.region = region
        self.credentials = credentials
        self.streams = streams
        self.http = http
    }

    /// - Throws: `AWSEndpointUnknown`, `DestinationRefusal`.
    package func destination(of target: FailureTarget) throws -> any FailureDestination {
        switch target {
        case .queue(let text):
            let arn = try arn(text, of: target)
            return QueueDestination(target: target, arn: arn, sqs: try service("sqs", arn), urls: queueURLs)
        case .topic(let text):
            let arn = try arn(text, of: target)
            return TopicDestination(target: target, arn: arn, sns: try service("sns", arn))
        case .bucket(let text):
            let arn = try arn(text, of: target)
            return BucketDestination(target: target, bucket: arn.resource, s3: try service("s3", arn))
        case .stream(let text):
            guard let name = ResourceNames.streamName(in: text) else {
                throw DestinationRefusal(target: target, reason: "it names no stream")
            }
            return StreamDestination(target: target, stream: name, streams: streams)
        case .file(let path):
            return FileDestination(path: path)
        }
    }

    private func arn(_ text: String, of target: FailureTarget) throws -> ARN {
        guard let arn = ARN(text) else { throw DestinationRefusal(target: target, reason: "it is no ARN") }
        return arn
    }

    private func service(_ name: String, _ arn: ARN) throws -> AWSService {
        let region = arn.region.isEmpty ? region : arn.region
        return AWSService(
            name,
            region: region,
            endpoint: try AWSEndpoint(
                of: name,
                region: region,
                partition: arn.partition,
                environment: environment
            ),
            credentials: credentials,
            http: http
        )
    }
}
