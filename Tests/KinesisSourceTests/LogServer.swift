import AWSClient
import EmbeddedLog
import EndpointServer
import Foundation
import Hummingbird
import KinesisAPI
import KinesisSource
import Logging
import ServerSupport
import StreamCore
import TestSupport

/// A real log in a temporary directory behind its real API on a free port.
struct LogServer: Sendable {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let url: String
    let log: EmbeddedLog

    /// A source of one of its streams, read as fast as it answers.
    func source(
        _ stream: StreamName,
        fanOut: String? = nil,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws -> KinesisSource {
        try .test(stream, at: url, fanOut: fanOut, clock: clock)
    }

    /// Lends a running server.
    static func with<Result: Sendable>(
        clock: any Clock<Duration> = ContinuousClock(),
        _ body: @escaping @Sendable (LogServer) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { directory in
            let log = try EmbeddedLog.open(directory: directory, options: LogOptions(), logger: logger)
            defer { log.close() }
            let now: @Sendable () -> Timestamp = {
                Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            }
            let endpoint = KinesisEndpoint(
                KinesisService(log: log, logger: logger, now: now, clock: clock)
            )
            let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
                guard KinesisEndpoint.handles(request) else { return Response(status: .notFound) }
                return try await endpoint.respond(to: request)
            }
            return try await withLoopbackServer(
                responder,
                server: .endpoint(
                    limits: .patient,
                    tls: nil,
                    connections: OpenConnections(limit: 512) {}
                )
            ) { port in
                try await body(LogServer(url: "http://127.0.0.1:\(port)", log: log))
            }
        }
    }
}

// A call that was given up would be made again only when the test's clock moves.
extension HTTPClient.Limits {
    /// Longer than a busy machine takes for anything.
    static let patient = HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))
}

extension EndpointLimits {
    fileprivate static var patient: EndpointLimits {
        var limits = EndpointLimits()
        limits.idle = .seconds(600)
        limits.header = .seconds(600)
        limits.patience = .seconds(600)
        return limits
    }
}

extension KinesisSource {
    /// Without credentials, and without chance in its back-offs.
    static func test(
        _ stream: StreamName,
        at url: String,
        pacing: KinesisPacing = .onDemand,
        fanOut: String? = nil,
        credentials: (any AWSCredentialProvider)? = nil,
        limits: HTTPClient.Limits = .patient,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws -> KinesisSource {
        KinesisSource(
            stream,
            at: KinesisEndpointSettings(
                endpoint: try AWSEndpoint(url: url),
                region: "us-east-1",
                pacing: pacing
            ),
            credentials: credentials,
            fanOut: fanOut,
            http: HTTPClient(limits: limits),
            subscriptionLimits: .patient,
            clock: clock,
            jitter: { 1 },
            logger: LogServer.logger
        )
    }
}
