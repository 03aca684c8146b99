import NIOCore
import NIOEmbedded
import NIOHTTP2
import Testing

@testable import EndpointServer

/// How long an HTTP/2 connection may have no stream.
struct StreamWatchTests {
    private let channel = EmbeddedChannel()
    private let streams: StreamWatch.Delegate

    init() throws {
        var limits = EndpointLimits()
        limits.idle = .seconds(60)
        let connections = OpenConnections(limit: 1) {}
        #expect(connections.admit(channel))
        let watch = StreamWatch(limits: limits, connections: connections)
        streams = StreamWatch.Delegate(watch, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(watch)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    @Test func `without a stream it is closed in time`() {
        pass(.seconds(59))
        #expect(channel.isActive)
        pass(.seconds(1))
        #expect(!channel.isActive)
    }

    @Test func `with a stream it stays, and has its whole time after the last`() {
        streams.streamCreated(1, channel: channel)
        streams.streamCreated(3, channel: channel)
        pass(.hours(1))
        streams.streamClosed(1, channel: channel)
        pass(.hours(1))
        #expect(channel.isActive)

        streams.streamClosed(3, channel: channel)
        pass(.seconds(59))
        #expect(channel.isActive)
        pass(.seconds(1))
        #expect(!channel.isActive)
    }

    private func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }
}
