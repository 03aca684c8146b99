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
    private let limits: EndpointLimits
    /// Runs from when the handler has an event loop, by whose time it goes.
    private var clock: ConnectionClock
    private var timer: Scheduled<Void>?
    private var timerDeadline: Duration?
    private var wasBetweenRequests = true

    init(limits: EndpointLimits, connections: OpenConnections?) {
        self.connections = connections
        self.limits = limits
        clock = ConnectionClock(limits: limits, now: .zero)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        clock = ConnectionClock(limits: limits, now: Self.now(context))
        watch(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        clock.read(unwrapInboundIn(data), at: Self.now(context))
        guard !clock.isBodyTooLarge else {
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        clock.readCompleted(at: Self.now(context))
        watch(context)
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        let bytes = if case .body(let buffer) = part { buffer.readableBytes } else { 0 }
        let written = promise ?? context.eventLoop.makePromise()
        clock.writing(bytes, at: Self.now(context))
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.clock.wrote(bytes, at: Self.now(context))
            if case .end = part { handler.clock.answerEnded(at: Self.now(context)) }
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
        timer = context.eventLoop.scheduleTask(in: TimeAmount(deadline - Self.now(context))) {
            let (handler, context) = bound.value
            handler.timerFired(context)
        }
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        timerDeadline = nil
        if let deadline = clock.deadline, deadline <= Self.now(context) {
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
    private static func now(_ context: ChannelHandlerContext) -> Duration {
        .nanoseconds(Int64(context.eventLoop.now.uptimeNanoseconds))
    }
}

@available(*, unavailable)
extension SlowClientHandler: Sendable {}
