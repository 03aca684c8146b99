import AWSClient
import Foundation
import KinesisSource
import Logging
import StreamCore

/// A Kinesis API, and what a worker asks it beside records.
struct KinesisConnection: Sendable {
    let settings: KinesisEndpointSettings
    let credentials: (any AWSCredentialProvider)?
    let http: HTTPClient
    let clock: any Clock<Duration>
    let logger: Logger

    /// - Parameters:
    ///   - credentials: Requests go without a signature when there are none.
    ///   - caFile: Certificates to trust; `nil` for those of the system.
    init(
        _ settings: KinesisEndpointSettings,
        credentials: (any AWSCredentialProvider)?,
        caFile: String?,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.settings = settings
        self.credentials = credentials
        self.clock = clock
        self.logger = logger
        http = HTTPClient(limits: KinesisSource.callLimits, caFile: caFile)
    }

    /// The stream of a mapping.
    ///
    /// - Parameter fanOut: The name of a consumer that records are pushed to; `nil` to poll.
    func source(of mapping: EventSourceMapping, fanOut: String? = nil) -> any LogSource {
        var logger = logger
        logger[metadataKey: "function"] = "\(mapping.function)"
        return KinesisSource(
            mapping.source.stream,
            at: settings,
            credentials: credentials,
            fanOut: fanOut,
            http: http,
            clock: clock,
            logger: logger
        )
    }

    /// - Returns: `nil` while the stream is not there.
    /// - Throws: `AWSServiceFailure`; `CancellationError`.
    func describe(_ stream: StreamName) async throws -> DescribedStream? {
        struct Answer: Decodable {
            struct Summary: Decodable {
                let StreamARN: String
                let StreamCreationTimestamp: Double
                let StreamStatus: String
            }
            let StreamDescriptionSummary: Summary
        }
        do {
            let body = try JSONEncoder().encode(["StreamName": stream.text])
            let answer = try await service.send(
                service.request("Kinesis_20131202.DescribeStreamSummary", Array(body), jsonVersion: "1.1")
            )
            let summary = try JSONDecoder().decode(Answer.self, from: Data(answer.body))
                .StreamDescriptionSummary
            // Its shards are not listed before it is there, and say nothing once it goes.
            guard !["CREATING", "DELETING"].contains(summary.StreamStatus) else { return nil }
            return DescribedStream(
                arn: summary.StreamARN,
                creation: String(summary.StreamCreationTimestamp)
            )
        } catch let failure as AWSServiceFailure {
            guard let error = failure.cause as? AWSError, error.type == "ResourceNotFoundException" else {
                throw failure
            }
            return nil
        }
    }

    /// Stores a record in a stream, for failures that are to go there.
    func put(_ payload: [UInt8], key: String, to stream: StreamName) async throws {
        let body = try JSONEncoder().encode([
            "StreamName": stream.text, "PartitionKey": key, "Data": Data(payload).base64EncodedString(),
        ])
        try await service.send(
            service.request("Kinesis_20131202.PutRecord", Array(body), jsonVersion: "1.1")
        )
    }

    private var service: AWSService {
        AWSService(
            "kinesis",
            region: settings.region,
            endpoint: settings.endpoint,
            credentials: credentials,
            http: http
        )
    }
}

/// A stream as Kinesis describes it.
struct DescribedStream: Hashable, Sendable {
    let arn: String
    /// When it was made, which tells it apart from others of its name.
    let creation: String
}
