package import HummingbirdCore
package import Logging
package import NIOCore
import NIOSSL

/// One connection to the endpoint: TLS where it is asked for, HTTP/1.1, and the limits on both.
package struct EndpointChannel: ServerChildChannel {
    private let http: HTTP1Channel
    private let tls: TLSIdentity?
    private let connections: OpenConnections

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
        self.tls = tls
        self.connections = connections
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let isAdmitted = connections.admit(channel)
        return channel.eventLoop.makeCompletedFuture {
            guard let tls else { return }
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context()))
        }
        .flatMap { http.setup(channel: channel, logger: logger) }
        .map { value in
            if !isAdmitted { channel.close(promise: nil) }
            return value
        }
    }

    package func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
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
