package import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOSSL

/// One connection to the endpoint: TLS where it is asked for, HTTP/1.1 or HTTP/2 as its client speaks, and the limits on
/// all of them.
package struct EndpointChannel: ServerChildChannel {
    typealias RequestChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<RequestChannel>

    enum Connection: Sendable {
        case http1(RequestChannel)
        case http2(Streams)
    }

    package struct Value: ServerChildChannelValue {
        package let channel: any Channel
        let connection: EventLoopFuture<Connection>
    }

    private let http: HTTP1Channel
    private let limits: EndpointLimits
    private let tls: TLSIdentity?
    private let connections: OpenConnections
    private let streams: OpenStreams

    init(
        responder: @escaping HTTPChannelHandler.Responder,
        limits: EndpointLimits,
        tls: TLSIdentity?,
        connections: OpenConnections
    ) {
        http = HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [SlowClientHandler(limits: limits, connections: connections)],
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: limits.headerBytes,
                    maxHeaderListSize: limits.headerBytes,
                    maxHeaderFieldCount: limits.headerCount
                )
            )
        )
        self.limits = limits
        self.tls = tls
        self.connections = connections
        streams = OpenStreams(limit: limits.streams)
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let isAdmitted = connections.admit(channel)
        let detected = channel.eventLoop.makePromise(of: Connection.self)
        return channel.eventLoop.makeCompletedFuture {
            let detector = ProtocolDetector(limits: limits, detected: detected) { version, channel in
                configure(version, channel, logger)
            }
            do {
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLServerHandler(context: tls.context())
                    )
                }
                try channel.pipeline.syncOperations.addHandler(detector)
            } catch {
                detected.fail(error)
                throw error
            }
            if !isAdmitted { channel.close(promise: nil) }
            return Value(channel: channel, connection: detected.futureResult)
        }
    }

    private func configure(
        _ version: HTTPVersion,
        _ channel: any Channel,
        _ logger: Logger
    ) -> EventLoopFuture<Connection> {
        switch version {
        case .http1: http.setup(channel: channel, logger: logger).map { .http1($0) }
        case .http2: channel.eventLoop.makeCompletedFuture { .http2(try makeStreams(channel)) }
        }
    }

    package func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.connection.get() {
            case .http1(let channel): await http.handle(value: channel, logger: logger)
            case .http2(let connection):
                try await withThrowingDiscardingTaskGroup { group in
                    for try await stream in connection.inbound {
                        group.addTask { await http.handle(value: stream, logger: logger) }
                    }
                }
            }
        } catch {
            logger.trace("connection ended", metadata: ["error": "\(error)"])
        }
    }
}

// MARK: - HTTP/2

extension EndpointChannel {
    private func makeStreams(_ channel: any Channel) throws -> Streams {
        let watch = StreamWatch(limits: limits, connections: connections)
        let streams = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
            mode: .server,
            streamDelegate: StreamWatch.Delegate(watch, eventLoop: channel.eventLoop),
            configuration: configuration
        ) { stream in
            stream.eventLoop.makeCompletedFuture { try makeRequestChannel(stream) }
        }
        try channel.pipeline.syncOperations.addHandler(watch)
        return streams
    }

    private func makeRequestChannel(_ stream: any Channel) throws -> RequestChannel {
        let pipeline = stream.pipeline.syncOperations
        try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
        try pipeline.addHandler(StreamRequestHandler(limits: limits))
        try pipeline.addHandler(SlowClientHandler(limits: limits, connections: nil))
        if streams.begin() {
            stream.closeFuture.whenComplete { _ in streams.end() }
        } else {
            stream.close(promise: nil)
        }
        return try NIOAsyncChannel(wrappingChannelSynchronously: stream)
    }

    private var configuration: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streamsPerConnection),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamWindowBytes),
        ]
        configuration.connection.targetWindowSize = limits.connectionWindowBytes
        configuration.stream.targetWindowSize = limits.streamWindowBytes
        configuration.stream.outboundBufferSizeHighWatermark = limits.unsentBytes
        configuration.stream.outboundBufferSizeLowWatermark = limits.unsentBytes / 2
        return configuration
    }
}

extension HTTPServerBuilder {
    /// A server that no client can take from the others.
    ///
    /// - Parameter tls: `nil` for plain HTTP.
    package static func endpoint(
        limits: EndpointLimits,
        tls: TLSIdentity?,
        connections: OpenConnections
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            EndpointChannel(responder: responder, limits: limits, tls: tls, connections: connections)
        }
    }
}
