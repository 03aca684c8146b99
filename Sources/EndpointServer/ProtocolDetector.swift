import NIOCore

/// Which HTTP a client speaks.
enum HTTPVersion {
    case http1
    case http2
}

/// Tells HTTP/2 from HTTP/1.1 by the first bytes of a connection, encrypted or not, and lets the rest of the pipeline
/// be made accordingly.
///
/// A client of HTTP/2 begins with a preface that is no request of HTTP/1.1 (RFC 9113, 3.4), whether it knew before or has
/// agreed on it in the TLS handshake.
final class ProtocolDetector<Connection: Sendable>: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Adds the handlers behind this one.
    typealias Configure = (HTTPVersion, any Channel) -> EventLoopFuture<Connection>

    private let limits: EndpointLimits
    private let detected: EventLoopPromise<Connection>
    private let configure: Configure
    private var received = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var hasBegun = false
    private var isDetected = false

    /// - Parameter detected: Fails when the connection ends before.
    init(limits: EndpointLimits, detected: EventLoopPromise<Connection>, configure: @escaping Configure) {
        self.limits = limits
        self.detected = detected
        self.configure = configure
    }

    func handlerAdded(context: ChannelHandlerContext) { close(context, after: limits.idle) }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        if !isDetected { detected.fail(ChannelError.eof) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDetected else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        let compared = min(received.readableBytes, HTTP2Preface.bytes.count)
        guard received.readableBytesView.prefix(compared).elementsEqual(HTTP2Preface.bytes.prefix(compared))
        else { return take(.http1, context) }
        if compared == HTTP2Preface.bytes.count { take(.http2, context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // What has come may also be a part of a TLS handshake.
        if !isDetected, !hasBegun {
            hasBegun = true
            close(context, after: limits.header)
        }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !isDetected { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDetected else { return context.fireErrorCaught(error) }
        context.close(promise: nil)
    }

    private func take(_ version: HTTPVersion, _ context: ChannelHandlerContext) {
        isDetected = true
        timer?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        configure(version, context.channel).whenComplete { result in
            let (detector, context) = bound.value
            detector.detected.completeWith(result)
            guard case .success = result else { return context.close(promise: nil) }
            context.fireChannelRead(detector.wrapInboundOut(detector.received))
            context.fireChannelReadComplete()
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }

    private func close(_ context: ChannelHandlerContext, after limit: Duration) {
        timer?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(limit)) { bound.value.close(promise: nil) }
    }
}

private enum HTTP2Preface {
    static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
}

@available(*, unavailable)
extension ProtocolDetector: Sendable {}
