import AccessControl
import Hummingbird
import ServerSupport
import Synchronization
import TestSupport

@testable import EndpointServer

/// A real server on a free port that answers every request with the number of bytes of its body, or as many as asked, or with
/// the host that it names.
struct TestServer: Sendable {
    let port: Int
    let connections: OpenConnections
    /// The paths of the requests that the server has begun to answer.
    let requests: Recorder<String>
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
        let requests = Recorder<String>()
        let connections = OpenConnections(limit: limits.connections) {
            reports.value.withLock { $0 += 1 }
        }
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
            requests.append(request.uri.path)
            return try await respond(to: request, gate)
        }
        return try await withLoopbackServer(
            responder,
            server: .endpoint(limits: limits, tls: tls, connections: connections)
        ) { port in
            try await body(
                TestServer(port: port, connections: connections, requests: requests, reports: reports)
            )
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

extension EndpointLimits {
    /// No limit of time is met unless a test lowers it: a busy machine takes its time.
    static var patient: EndpointLimits {
        var limits = EndpointLimits()
        limits.idle = .seconds(3_600)
        limits.header = .seconds(3_600)
        limits.patience = .seconds(3_600)
        return limits
    }
}
