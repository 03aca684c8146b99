import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client takes too long over the next step, and tells which connections are idle.
///
/// It stands behind the HTTP decoder, where the end of a read without any part of a request means bytes of a header.
/// On HTTP/2 it stands in each stream, and resets that alone.
final class SlowClientHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// `nil` on a stream, whose connection counts its streams itself.
    private let connections: OpenConnections?
    private var clock: ConnectionClock
    private var timer: Scheduled<Void>?
    private var timerDeadline: Duration?
    private var wasBetweenRequests = true

    init(limits: EndpointLimits, connections: OpenConnections?) {
        self.connections = connections
        clock = ConnectionClock(limits: limits, now: Self.now())
    }

    func handlerAdded(context: ChannelHandlerContext) { watch(context) }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        clock.read(unwrapInboundIn(data), at: Self.now())
        guard !clock.isBodyTooLarge else {
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        clock.readCompleted(at: Self.now())
        watch(context)
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        let bytes = if case .body(let buffer) = part { buffer.readableBytes } else { 0 }
        let written = promise ?? context.eventLoop.makePromise()
        clock.writing(bytes, at: Self.now())
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.clock.wrote(bytes, at: Self.now())
            if case .end = part { handler.clock.answerEnded(at: Self.now()) }
            handler.watch(context)
        }
        context.write(data, promise: written)
        watch(context)
    }

    /// Has the timer fire at the deadline or before.
    ///
    /// One that fires too early looks again, which is cheaper than setting it anew with every request.
    private func watch(_ context: ChannelHandlerContext) {
        noteIdleness(context)
        guard let deadline = clock.deadline, context.channel.isActive else { return }
        if let timerDeadline, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(deadline - Self.now())) {
            let (handler, context) = bound.value
            handler.timerFired(context)
        }
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        timerDeadline = nil
        if let deadline = clock.deadline, deadline <= Self.now() {
            context.close(promise: nil)
        } else {
            watch(context)
        }
    }

    private func noteIdleness(_ context: ChannelHandlerContext) {
        guard clock.isBetweenRequests != wasBetweenRequests else { return }
        wasBetweenRequests = clock.isBetweenRequests
        connections?.note(context.channel, isIdle: wasBetweenRequests)
    }

    /// Since the machine started.
    private static func now() -> Duration {
        .nanoseconds(Int64(NIODeadline.now().uptimeNanoseconds))
    }
}

@available(*, unavailable)
extension SlowClientHandler: Sendable {}
