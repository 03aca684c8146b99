import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Gives a request of HTTP/2 the form that one of HTTP/1.1 has, and refuses what is none.
///
/// Its host may stand in `:authority`, in `Host`, or in both: what follows looks at one place.
final class StreamRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private static let host = HTTPField.Name("host")

    private let limits: EndpointLimits
    private var isRefused = false

    init(limits: EndpointLimits) {
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        guard head.headerFields.count <= limits.headerCount, Self.unifyHost(of: &head) else {
            return refuse(context)
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// - Returns: `false` when the request names two hosts.
    private static func unifyHost(of head: inout HTTPRequest) -> Bool {
        guard let host else { return true }
        let fields = head.headerFields[values: host]
        head.headerFields[values: host] = []
        guard let first = fields.first else { return true }
        let authority = head.authority ?? first
        head.authority = authority
        return fields.allSatisfy { $0 == authority }
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefused = true
        let answer = HTTPResponse(status: .badRequest, headerFields: [.contentLength: "0"])
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil)))
            .whenComplete { _ in bound.value.close(promise: nil) }
    }
}

@available(*, unavailable)
extension StreamRequestHandler: Sendable {}
