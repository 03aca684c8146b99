import NIOCore
import NIOHTTP2

/// Counts the streams of an HTTP/2 connection: without one it is idle, and closed when it is that for too long.
///
/// Bytes that begin no stream, such as pings or a header in ever more pieces, do not prolong it.
final class StreamWatch: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let limits: EndpointLimits
    private let connections: OpenConnections
    private var context: ChannelHandlerContext?
    private var openCount = 0
    private var newest = HTTP2StreamID.rootStream
    private var isQuiescing = false
    private var timer: Scheduled<Void>?

    init(limits: EndpointLimits, connections: OpenConnections) {
        self.limits = limits
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        close(after: limits.idle)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { quiesce(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The stream has been reset; of the others nothing is wrong.
        if error is NIOHTTP2Errors.StreamError { return }
        context.close(promise: nil)
    }

    /// Takes no further stream, and closes the connection after those that there are.
    private func quiesce(_ context: ChannelHandlerContext) {
        guard !isQuiescing else { return }
        isQuiescing = true
        let goAway = HTTP2Frame.FramePayload.goAway(
            lastStreamID: newest,
            errorCode: .noError,
            opaqueData: nil
        )
        context.writeAndFlush(
            wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: goAway)),
            promise: nil
        )
        if openCount == 0 { context.close(promise: nil) } else { close(after: limits.patience) }
    }

    fileprivate func opened(_ id: HTTP2StreamID) {
        openCount += 1
        newest = max(newest, id)
        guard openCount == 1, let context else { return }
        if !isQuiescing { timer?.cancel() }
        connections.note(context.channel, isIdle: false)
    }

    fileprivate func closed() {
        openCount -= 1
        guard openCount == 0, let context, context.channel.isActive else { return }
        connections.note(context.channel, isIdle: true)
        if isQuiescing { context.close(promise: nil) } else { close(after: limits.idle) }
    }

    private func close(after limit: Duration) {
        timer?.cancel()
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(limit)) { bound.value.close(promise: nil) }
    }

    /// Tells the watch of streams; used on its event loop.
    struct Delegate: NIOHTTP2StreamDelegate {
        private let watch: NIOLoopBound<StreamWatch>

        init(_ watch: StreamWatch, eventLoop: any EventLoop) {
            self.watch = NIOLoopBound(watch, eventLoop: eventLoop)
        }

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { watch.value.opened(id) }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { watch.value.closed() }
    }
}

@available(*, unavailable)
extension StreamWatch: Sendable {}
