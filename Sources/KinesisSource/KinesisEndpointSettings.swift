package import AWSClient
import Foundation
import StreamCore

/// Where streams are read from, and how fast.
package struct KinesisEndpointSettings: Hashable, Sendable {
    package let endpoint: AWSEndpoint
    /// As requests are signed for it.
    package let region: String
    package var pacing: KinesisPacing

    package init(endpoint: AWSEndpoint, region: String, pacing: KinesisPacing? = nil) {
        self.endpoint = endpoint
        self.region = region
        self.pacing = pacing ?? (Self.isAmazon(endpoint.url) ? .amazon : .onDemand)
    }

    /// What the arguments say, then the environment, then the files of AWS's tools.
    ///
    /// - Parameters:
    ///   - url: Such as `https://kinesis.eu-west-1.amazonaws.com`; else `AWS_ENDPOINT_URL_KINESIS`,
    ///     `AWS_ENDPOINT_URL`, or AWS's own of the region.
    ///   - region: Else the one in AWS's own URL, `AWS_REGION`, `AWS_DEFAULT_REGION`, that of the profile, or
    ///     `us-east-1` where an endpoint is named.
    ///   - pacing: Else AWS's limits at AWS, and none elsewhere.
    /// - Throws: `AWSEndpointUnknown`.
    package static func resolve(
        url: String? = nil,
        region: String? = nil,
        pacing: KinesisPacing? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        homeDirectory: String = NSHomeDirectory()
    ) throws -> KinesisEndpointSettings {
        let known =
            region ?? url.flatMap(amazonRegion)
            ?? AWSSettings(environment: environment, homeDirectory: homeDirectory).region
        if let url {
            let endpoint = try AWSEndpoint(url: url)
            return KinesisEndpointSettings(
                endpoint: endpoint,
                region: known ?? fallbackRegion,
                pacing: pacing
            )
        }
        let endpoint = try AWSEndpoint(
            of: "kinesis",
            region: known ?? fallbackRegion,
            partition: ResourceNames(region: known ?? fallbackRegion).partition,
            environment: environment
        )
        guard known != nil || endpoint.variable != nil else {
            throw AWSEndpointUnknown(
                reason: "no region is set: give one, or set AWS_REGION or AWS_ENDPOINT_URL_KINESIS"
            )
        }
        return KinesisEndpointSettings(endpoint: endpoint, region: known ?? fallbackRegion, pacing: pacing)
    }

    /// Amazon's own, which takes no request without a signature.
    package var isAmazon: Bool { Self.isAmazon(endpoint.url) }

    /// What requests are signed with: the keys that AWS's own tools would find.
    ///
    /// - Returns: `nil` where none are set up and the endpoint is not Amazon's: it may do without.
    /// - Throws: What was wrong with those that are set up; `AWSCredentialsNotFound` at Amazon's endpoint.
    package func credentials(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        homeDirectory: String = NSHomeDirectory()
    ) async throws -> (any AWSCredentialProvider)? {
        let chain = AWSCredentialChain(
            environment: environment,
            homeDirectory: homeDirectory,
            region: region,
            asksMachine: isAmazon
        )
        do { _ = try await chain.credentials() } catch let error as AWSCredentialsNotFound {
            if isAmazon { throw error }
            return nil
        }
        return chain
    }

    private static let fallbackRegion = "us-east-1"

    private static let amazonDomains = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]

    private static func isAmazon(_ url: String) -> Bool {
        let host = URLComponents(string: url)?.host ?? ""
        return amazonDomains.contains { host.hasSuffix($0) }
    }

    /// The region in a host such as `kinesis.eu-west-1.amazonaws.com` or `vpce-1.kinesis.eu-west-1.vpce.amazonaws.com`.
    private static func amazonRegion(_ url: String) -> String? {
        guard isAmazon(url), let host = URLComponents(string: url)?.host else { return nil }
        let labels = host.split(separator: ".").map(String.init)
        guard let service = labels.firstIndex(where: { $0.hasPrefix("kinesis") || $0.contains("-kinesis") }),
            service + 1 < labels.count, labels[service + 1].contains("-")
        else { return nil }
        return labels[service + 1]
    }
}

/// How often a shard is read, and how much of it.
package struct KinesisPacing: Hashable, Sendable {
    /// Between two reads of a shard while there is more to read.
    package var readInterval: Duration
    /// Between two reads of a shard that has nothing more, while someone waits for records.
    package var idleInterval: Duration
    /// Of one shard; `nil` for as many as come.
    package var bytesPerSecond: Int?
    /// Of all shards of a source that have nothing more: with very many of them each is read less often.
    package var idleReadsPerSecond: Int

    package init(
        readInterval: Duration,
        idleInterval: Duration,
        bytesPerSecond: Int?,
        idleReadsPerSecond: Int = 500
    ) {
        self.readInterval = readInterval
        self.idleInterval = idleInterval
        self.bytesPerSecond = bytesPerSecond
        self.idleReadsPerSecond = idleReadsPerSecond
    }

    /// AWS allows 5 reads and 2 MB a second for each shard and all of its readers together; at the tip one read a second
    /// leaves room for the others, as in the Kinesis Client Library.
    package static let amazon = KinesisPacing(
        readInterval: .milliseconds(200),
        idleInterval: .seconds(1),
        bytesPerSecond: 2_000_000
    )
    /// For servers that have no such limits: as fast as they answer.
    package static let onDemand = KinesisPacing(
        readInterval: .zero,
        idleInterval: .milliseconds(200),
        bytesPerSecond: nil
    )
}

/// When a shard may be read next.
struct ReadPace {
    private let pacing: KinesisPacing
    private var next = Duration.zero

    init(_ pacing: KinesisPacing) { self.pacing = pacing }

    /// How long to wait from now; `now` is the time since any fixed moment.
    func delay(now: Duration) -> Duration { max(.zero, next - now) }

    /// A read has begun at `start` and brought so many bytes of keys and payloads.
    mutating func note(start: Duration, bytes: Int) {
        let cost = pacing.bytesPerSecond.map { Duration.seconds(Double(bytes) / Double($0)) } ?? .zero
        next = start + max(pacing.readInterval, cost)
    }
}
