import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import EndpointServer

/// How long a connection of HTTP/1.1 may wait for its client, by the clock of its event loop.
struct SlowClientTests {
    private let channel = EmbeddedChannel()

    init() throws {
        var limits = EndpointLimits()
        limits.idle = .seconds(60)
        let connections = OpenConnections(limit: 1) {}
        #expect(connections.admit(channel))
        try channel.pipeline.syncOperations.addHandler(
            SlowClientHandler(limits: limits, connections: connections)
        )
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    @Test func `without a request it is closed in time`() {
        pass(.seconds(59))
        #expect(channel.isActive)
        pass(.seconds(1))
        #expect(!channel.isActive)
    }

    @Test func `with a request in hand it stays, and has its whole time after the answer`() throws {
        pass(.seconds(59))
        let request = HTTPRequest(method: .get, scheme: nil, authority: "h", path: "/")
        try channel.writeInbound(HTTPRequestPart.head(request))
        try channel.writeInbound(HTTPRequestPart.end(nil))
        pass(.hours(1))
        #expect(channel.isActive)

        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        pass(.seconds(59))
        #expect(channel.isActive)
        pass(.seconds(1))
        #expect(!channel.isActive)
    }

    private func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }
}
