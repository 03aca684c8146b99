import AccessControl
import Hummingbird
import ServerSupport
import Synchronization

@testable import EndpointServer

/// A real server on a free port that answers every request with the number of bytes of its body, or as many as asked, or with
/// the host that it names.
struct TestServer: Sendable {
    let port: Int
    let connections: OpenConnections
    private let reports: Counter

    /// How often the limit of connections was reported.
    var reportCount: Int { reports.value.withLock(\.self) }

    private final class Counter: Sendable {
        let value = Mutex(0)
    }

    static func with<Result: Sendable>(
        _ limits: EndpointLimits,
        tls: TLSIdentity? = nil,
        gate: AccessGate? = nil,
        _ body: @escaping @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let reports = Counter()
        let connections = OpenConnections(limit: limits.connections) {
            reports.value.withLock { $0 += 1 }
        }
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
            try await respond(to: request, gate)
        }
        return try await withLoopbackServer(
            responder,
            server: .endpoint(limits: limits, tls: tls, connections: connections)
        ) { port in
            try await body(TestServer(port: port, connections: connections, reports: reports))
        }
    }

    private static func respond(to request: Request, _ gate: AccessGate?) async throws -> Response {
        var request = request
        if let gate {
            let operation = CalledOperation(
                method: request.method.rawValue,
                path: request.uri.path,
                target: nil
            )
            switch try await gate.decide(on: request, calling: operation, maximumBodyBytes: 1_000) {
            case .admitted(let verified): request = verified
            case .refused(let refusal): return refusal
            }
        }
        if let bytes = Int(request.uri.path.dropFirst()) {
            return Response(
                status: .ok,
                body: ResponseBody(byteBuffer: ByteBuffer(repeating: 0, count: bytes))
            )
        }
        if request.uri.path == "/host" {
            return Response(
                status: .ok,
                body: ResponseBody(byteBuffer: ByteBuffer(string: request.head.authority ?? ""))
            )
        }
        let body = try await request.body.collect(upTo: 1 << 24)
        return Response(
            status: .ok,
            body: ResponseBody(byteBuffer: ByteBuffer(string: "\(body.readableBytes)"))
        )
    }
}
